// Discovery by the npm client `consul`, unmodified, against the node that CONSUL_HTTP_ADDR names.
import assert from "node:assert/strict";
import { on } from "node:events";
import { test } from "node:test";
import Consul from "consul";

const address = process.env.CONSUL_HTTP_ADDR;
if (!address) throw new Error("CONSUL_HTTP_ADDR is not set: run compat/run.sh, which starts a node");
const { hostname, port } = new URL(address);
const consul = new Consul({ host: hostname, port: Number(port) });

// Follows the instances that pass until as many are there as each step wants, and does the step's deed.
async function follow(name, steps) {
  const watch = consul.watch({ method: consul.health.service, options: { service: name, passing: true, wait: "20s" } });
  watch.on("error", (error) => assert.fail(error));
  try {
    let next = 0;
    for await (const [entries] of on(watch, "change", { signal: AbortSignal.timeout(20_000) })) {
      if (entries.length !== steps[next].count) continue;
      await steps[next].then?.();
      next += 1;
      if (next === steps.length) break;
    }
  } finally {
    watch.end();
  }
}

test("the catalogue", async () => {
  const node = "npm-node";
  await consul.catalog.node.list();
  await consul.agent.service.register({ name: "npm-cat", tags: ["x", "y"], port: 5, meta: { k: "v" } });
  try {
    await follow("npm-cat", [{ count: 1 }]);
    assert.deepEqual((await consul.catalog.services())["npm-cat"].toSorted(), ["x", "y"]);
    const [instance] = await consul.catalog.service.nodes("npm-cat");
    assert.equal(instance.ServicePort, 5);
    assert.equal(instance.ServiceMeta.k, "v");
    const local = await consul.catalog.node.services(instance.Node);
    assert.equal(local.Services["npm-cat"].Service, "npm-cat");
    assert.equal(await consul.catalog.node.services(node), undefined);
    assert.deepEqual(await consul.catalog.datacenters(), ["dc1"]);
  } finally {
    await consul.agent.service.deregister("npm-cat");
  }
});

test("a TTL steers what a watch of a service sees", async () => {
  await consul.agent.service.register({ name: "npm-beat", check: { checkid: "npm-beat-ttl", ttl: "60s" } });
  try {
    await follow("npm-beat", [
      { count: 0, then: () => consul.agent.check.pass("npm-beat-ttl") },
      { count: 1, then: () => consul.agent.check.warn("npm-beat-ttl") },
      { count: 0, then: () => consul.agent.check.pass("npm-beat-ttl") },
      { count: 1, then: () => consul.agent.check.fail({ id: "npm-beat-ttl", note: "why" }) },
      { count: 0 },
    ]);
    const [check] = await consul.health.checks("npm-beat");
    assert.equal(check.Status, "critical");
    assert.equal(check.Output, "why");
    assert.ok((await consul.health.state("critical")).some((one) => one.CheckID === "npm-beat-ttl"));
    assert.ok("npm-beat-ttl" in (await consul.agent.check.list()));
  } finally {
    await consul.agent.service.deregister("npm-beat");
  }
});

test("maintenance of a service", async () => {
  await consul.agent.service.register("npm-maint");
  try {
    await follow("npm-maint", [
      { count: 1, then: () => consul.agent.service.maintenance({ id: "npm-maint", enable: true, reason: "why" }) },
      { count: 0, then: () => consul.agent.service.maintenance({ id: "npm-maint", enable: false }) },
      { count: 1 },
    ]);
  } finally {
    await consul.agent.service.deregister("npm-maint");
  }
});

test("a check of its own, and of a service that is unknown", async () => {
  await consul.agent.check.register({ name: "npm-check", ttl: "30s", notes: "n" });
  assert.equal((await consul.agent.check.list())["npm-check"].Notes, "n");
  await consul.agent.check.deregister("npm-check");
  await assert.rejects(consul.agent.check.pass("npm-check"), (error) => {
    assert.equal(error.response.statusCode, 404);
    assert.match(String(error.response.body), /Unknown check ID "npm-check"/);
    return true;
  });
});

test("prepared queries", async () => {
  await consul.agent.service.register({ name: "npm-web", port: 7 });
  const { ID } = await consul.query.create({ name: "npm-find", service: { service: "npm-web" } });
  try {
    await follow("npm-web", [{ count: 1 }]);
    const found = await consul.query.execute("npm-find");
    assert.equal(found.Nodes[0].Service.Port, 7);
    assert.equal((await consul.query.get(ID)).Name, "npm-find");
  } finally {
    await consul.query.destroy(ID);
    await consul.agent.service.deregister("npm-web");
  }
});

test("members", async () => {
  const self = await consul.agent.self();
  assert.deepEqual((await consul.agent.members()).map((member) => member.Name), [self.Config.NodeName]);
});
