// The npm client `consul`, unmodified, against the node that CONSUL_HTTP_ADDR names (compat/run.sh starts it).
import assert from "node:assert/strict";
import { on } from "node:events";
import { after, before, test } from "node:test";
import Consul from "consul";

const address = process.env.CONSUL_HTTP_ADDR;
if (!address) throw new Error("CONSUL_HTTP_ADDR is not set: run compat/run.sh, which starts a node");
const { hostname, port } = new URL(address);
const consul = new Consul({ host: hostname, port: Number(port) });
const prefix = "compat-npm/";

// This client hands over JSON's `false` as undefined, whoever the server is.
const refused = undefined;

const clear = () => consul.kv.del({ key: prefix, recurse: true });
before(clear);
after(clear);

test("a value comes back as text, and as bytes when raw", async () => {
  const key = `${prefix}a b/ç%`;
  assert.equal(await consul.kv.set(key, "grün"), true);
  const entry = await consul.kv.get(key);
  assert.equal(entry.Key, key);
  assert.equal(entry.Value, "grün");
  assert.equal(entry.Flags, 0);
  assert.equal(entry.LockIndex, 0);
  assert.ok(entry.CreateIndex > 0 && entry.CreateIndex === entry.ModifyIndex);
  const raw = await consul.kv.get({ key, raw: true });
  assert.deepEqual(raw, Buffer.from("grün"));
});

test("a missing key is undefined, an empty value is null", async () => {
  assert.equal(await consul.kv.get(`${prefix}missing`), undefined);
  assert.equal(await consul.kv.set(`${prefix}folder/`, ""), true);
  assert.equal((await consul.kv.get(`${prefix}folder/`)).Value, null);
});

test("lists and keys", async () => {
  for (const name of ["l/b/2", "l/a", "l/b/1"]) await consul.kv.set(prefix + name, name);
  const entries = await consul.kv.get({ key: `${prefix}l/`, recurse: true });
  assert.deepEqual(entries.map((entry) => entry.Value), ["l/a", "l/b/1", "l/b/2"]);
  const keys = await consul.kv.keys({ key: `${prefix}l/`, separator: "/" });
  assert.deepEqual(keys, [`${prefix}l/a`, `${prefix}l/b/`]);
});

test("compare and set", async () => {
  const key = `${prefix}cas`;
  assert.equal(await consul.kv.set({ key, value: "1", cas: 0 }), true);
  assert.equal(await consul.kv.set({ key, value: "2", cas: 0 }), refused);
  const { ModifyIndex } = await consul.kv.get(key);
  assert.equal(await consul.kv.set({ key, value: "2", cas: ModifyIndex, flags: 7 }), true);
  assert.equal((await consul.kv.get(key)).Flags, 7);
  assert.equal(await consul.kv.del({ key, cas: ModifyIndex }), refused);
});

test("a session holds a lock and gives it back", async () => {
  const key = `${prefix}lock`;
  const { ID } = await consul.session.create({ name: "npm", ttl: "30s", lockdelay: "1s" });
  const other = await consul.session.create();
  assert.equal(await consul.kv.set({ key, value: "me", acquire: ID }), true);
  assert.equal(await consul.kv.set({ key, value: "you", acquire: other.ID }), refused);
  assert.equal((await consul.kv.get(key)).Session, ID);
  assert.equal((await consul.session.renew(ID))[0].ID, ID);
  assert.equal((await consul.session.get(ID)).Name, "npm");
  assert.ok((await consul.session.list()).some((session) => session.ID === ID));
  assert.equal(await consul.kv.set({ key, value: "me", release: ID }), true);
  await consul.session.destroy(ID);
  await consul.session.destroy(other.ID);
  await assert.rejects(consul.session.renew(ID), (error) => error.response.statusCode === 404);
});

test("a transaction", async () => {
  const key = `${prefix}txn`;
  const done = await consul.transaction.create([
    { KV: { Verb: "set", Key: key, Value: Buffer.from("1").toString("base64") } },
    { KV: { Verb: "get", Key: key } },
  ]);
  assert.equal(done.Errors, null);
  assert.equal(done.Results[1].KV.Value, "MQ==");
  const refused = consul.transaction.create([{ KV: { Verb: "check-not-exists", Key: key } }]);
  await assert.rejects(refused, (error) => error.response.statusCode === 409);
});

test("a watch sees each change in order", async () => {
  const key = `${prefix}watched`;
  await consul.kv.set(key, "0");
  const watch = consul.watch({ method: consul.kv.get, options: { key, wait: "20s" } });
  watch.on("error", (error) => assert.fail(error));
  try {
    // The iterator keeps what comes while nobody looks.
    let seen = 0;
    for await (const [entry] of on(watch, "change", { signal: AbortSignal.timeout(20_000) })) {
      assert.equal(entry.Value, String(seen));
      if (seen === 3) break;
      seen += 1;
      await consul.kv.set(key, String(seen));
    }
  } finally {
    watch.end();
  }
});

test("events", async () => {
  const fired = await consul.event.fire("compat-npm", "payload");
  const events = await consul.event.list("compat-npm");
  assert.equal(events.at(-1).ID, fired.ID);
  assert.equal(events.at(-1).Payload.toString(), "payload");
});

test("status and agent", async () => {
  const leader = await consul.status.leader();
  assert.deepEqual(await consul.status.peers(), [leader]);
  const self = await consul.agent.self();
  assert.equal(self.Config.Datacenter, "dc1");
});

test("another datacentre is Consul's error", async () => {
  const elsewhere = consul.kv.get({ key: `${prefix}a`, dc: "elsewhere" });
  await assert.rejects(elsewhere, (error) => {
    assert.equal(error.response.statusCode, 500);
    assert.match(error.message, /No path to datacenter/);
    return true;
  });
});
