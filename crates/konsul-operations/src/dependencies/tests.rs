//! A known graph gives its expected cycles, order, impact and health; large ones cost steps in proportion to their size.

use konsul_types::{CheckStatus, Dependency, ServiceName};

use super::graph::Steps;
use super::*;

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

/// Of lines `who: required, ?optional, ...`.
fn graph(lines: &str) -> Graph {
    let mut builder = Builder::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let (who, needs) = line.split_once(':').unwrap();
        let one = |need: &str| {
            let need = need.trim();
            let optional = need.strip_prefix('?');
            Dependency { service: name(optional.unwrap_or(need)), required: optional.is_none() }
        };
        let needs: Vec<Dependency> =
            needs.split(',').filter(|need| !need.trim().is_empty()).map(one).collect();
        builder.declared(&name(who.trim()), &needs);
    }
    builder.build(Bounds::default()).unwrap()
}

/// A shop: `web` needs `cart` and perhaps `ads`; `cart` and `orders` are in a circle that one can do without; `ads` needs
/// `db` that nobody has registered under another case.
fn shop() -> Graph {
    graph(
        "Web: cart, ?ads
         cart: orders, cache
         orders: db, ?cart
         ads: db, ?tracker
         cache:
         db:
         lonely:",
    )
}

fn words(graph: &Graph, numbers: &[usize]) -> String {
    graph.names_of(numbers).join(" ")
}

#[test]
fn a_graph_unites_what_instances_say() {
    let mut builder = Builder::new();
    let need = |service: &str, required| Dependency { service: name(service), required };
    builder.declared(&name("Web"), &[need("db", false)]);
    builder.declared(&name("web"), &[need("DB", true), need("log", false)]);
    builder.observed(&name("web"), &name("log"));
    builder.observed(&name("web"), &name("seen"));
    let graph = builder.build(Bounds::default()).unwrap();
    let web = graph.number(&name("WEB")).unwrap();
    let edges: Vec<(&str, bool, Origin)> = graph
        .needs(web)
        .iter()
        .map(|edge| (graph.name(edge.to).as_str(), edge.required, edge.origin))
        .collect();
    assert_eq!(
        edges,
        [("db", true, Origin::Declared), ("log", false, Origin::Declared), ("seen", false, Origin::Observed)]
    );
    assert!(graph.is_registered(web) && !graph.is_registered(graph.number(&name("db")).unwrap()));
    assert_eq!((graph.len(), graph.edges()), (4, 3));
}

#[test]
fn a_graph_has_bounds() {
    let build = |bounds| {
        let mut builder = Builder::new();
        builder.observed(&name("a"), &name("b"));
        builder.observed(&name("b"), &name("a"));
        builder.build(bounds).err().map(|error| error.to_string())
    };
    let of = |services_max, edges_max| build(Bounds { services_max, edges_max });
    assert_eq!(of(2, 2), None);
    assert_eq!(of(1, 2).unwrap(), "the dependency graph has 2 services; at most 1 are allowed");
    assert_eq!(of(2, 1).unwrap(), "the dependency graph has 2 dependencies; at most 1 are allowed");
}

fn cycle_words(graph: &Graph, cycles_max: usize) -> (Vec<String>, bool) {
    let cycles = graph.cycles(cycles_max);
    let one =
        |cycle: &Cycle| format!("{}{}", words(graph, &cycle.members), if cycle.required { "!" } else { "" });
    (cycles.found.iter().map(one).collect(), cycles.complete)
}

#[test]
fn cycles_come_each_once_from_their_smallest_name() {
    assert_eq!(cycle_words(&shop(), 10), (vec!["cart orders".into()], true));
    let eight = graph("a: b, ?c\nb: c, a\nc: d, a\nd: d, b\ne: a");
    let expected = ["a b!", "a b c!", "a c", "a c d b", "b c d!", "d!"].map(str::to_owned).to_vec();
    assert_eq!(cycle_words(&eight, 100), (expected.clone(), true));
    let (some, complete) = cycle_words(&eight, 4);
    assert!(some.len() == 4 && !complete && some.iter().all(|cycle| expected.contains(cycle)));
    assert_eq!(eight.knots(), vec![vec![0, 1, 2, 3]]);
    assert!(cycle_words(&eight, 6).1);
}

/// Every cycle of a small graph, by trying every path.
fn cycles_by_force(graph: &Graph) -> Vec<Vec<usize>> {
    fn walk(graph: &Graph, path: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
        for edge in graph.needs(path[path.len() - 1]) {
            if edge.to == path[0] {
                found.push(path.clone());
            } else if edge.to > path[0] && !path.contains(&edge.to) {
                path.push(edge.to);
                walk(graph, path, found);
                path.pop();
            }
        }
    }
    let mut found = Vec::new();
    (0..graph.len()).for_each(|start| walk(graph, &mut vec![start], &mut found));
    found.sort_unstable();
    found
}

/// A graph drawn from a seed.
fn drawn(seed: u64, services: usize, edges: usize) -> Graph {
    let mut seeded = crate::balance::Seeded::new(seed);
    let mut builder = Builder::new();
    let label = |n: usize| name(&format!("s{n:05}"));
    (0..services).for_each(|n| builder.service(&label(n)));
    for _ in 0..edges {
        let mut draw = || crate::balance::below(services, &mut || seeded.draw());
        let (from, to) = (draw(), draw());
        let required = draw() % 2 == 0;
        builder.declared(&label(from), &[Dependency { service: label(to), required }]);
    }
    builder.build(Bounds::default()).unwrap()
}

#[test]
fn cycles_of_drawn_graphs_are_those_that_force_finds() {
    let mut most = 0;
    for seed in 0..300 {
        let graph = drawn(seed, 7, 8 + seed as usize % 14);
        let cycles = graph.cycles(100_000);
        let members: Vec<Vec<usize>> = cycles.found.iter().map(|cycle| cycle.members.clone()).collect();
        assert_eq!(members, cycles_by_force(&graph), "seed {seed}");
        assert!(cycles.complete);
        most = most.max(members.len());
    }
    assert!(most > 20, "the graphs had at most {most} cycles");
}

fn layer_words(graph: &Graph, order: &StartOrder) -> Vec<String> {
    let layer = |layer: &Vec<Vec<usize>>| {
        layer.iter().map(|group| graph.names_of(group).join("+")).collect::<Vec<_>>().join(" ")
    };
    order.layers.iter().map(layer).collect()
}

#[test]
fn starting_goes_by_layers_and_does_not_wait_in_a_circle() {
    let shop = shop();
    let order = shop.start_order();
    assert_eq!(layer_words(&shop, &order), ["cache db lonely tracker", "ads orders", "cart", "web"]);
    let skipped: Vec<String> = order.not_waited_for.iter().map(|&(a, b)| words(&shop, &[a, b])).collect();
    assert_eq!(skipped, ["orders cart"]);
    let hard = graph("a: b\nb: a, base\nbase:\nuser: a\nself: self");
    assert_eq!(layer_words(&hard, &hard.start_order()), ["base self", "a+b", "user"]);
}

#[test]
fn every_drawn_order_starts_nothing_before_what_it_needs() {
    for seed in 0..200 {
        let graph = drawn(seed, 30, 20 + seed as usize % 60);
        let order = graph.start_order();
        let mut layer_of = vec![0; graph.len()];
        let mut group_of = vec![0; graph.len()];
        for (layer, groups) in order.layers.iter().enumerate() {
            for group in groups {
                for &member in group {
                    (layer_of[member], group_of[member]) = (layer, group[0]);
                }
            }
        }
        assert_eq!(order.layers.iter().flatten().flatten().count(), graph.len());
        for from in 0..graph.len() {
            for edge in graph.needs(from) {
                let together = group_of[from] == group_of[edge.to];
                let skipped = order.not_waited_for.contains(&(from, edge.to));
                assert!(together || skipped || layer_of[edge.to] < layer_of[from], "seed {seed}");
                assert!(!(skipped && edge.required), "seed {seed}");
            }
        }
    }
}

fn impact_words(graph: &Graph, down: &str) -> Vec<String> {
    let impact = graph.impact(&[graph.number(&name(down)).unwrap()]);
    let one =
        |&reached: &Reached| format!("{}: {}", reached.effect.name(), words(graph, &impact.path(reached)));
    impact.reached.iter().map(one).collect()
}

#[test]
fn impact_is_broken_over_required_and_degraded_over_optional_needs() {
    let shop = shop();
    let expected =
        ["broken: ads db", "broken: cart orders db", "broken: orders db", "broken: web cart orders db"];
    assert_eq!(impact_words(&shop, "db"), expected);
    assert_eq!(impact_words(&shop, "tracker"), ["degraded: ads tracker", "degraded: web ads tracker"]);
    assert_eq!(impact_words(&shop, "cart"), ["broken: web cart", "degraded: orders cart"]);
    assert_eq!(impact_words(&shop, "lonely"), [""; 0]);
    assert_eq!(shop.impact(&[99, 3, 3]).down, [3]);
}

#[test]
fn effective_health_tells_why() {
    let shop = shop();
    let at = |who: &str| shop.number(&name(who)).unwrap();
    let health = |service: usize| match shop.name(service).as_str() {
        "tracker" => CheckStatus::Critical,
        "cache" => CheckStatus::Warning,
        _ => CheckStatus::Passing,
    };
    let effective = shop.effective(health);
    let of = |who| {
        let because = effective.because(at(who)).map_or_else(String::new, |path| words(&shop, &path));
        (effective.of(at(who)).effective, because)
    };
    assert_eq!(of("ads"), (CheckStatus::Warning, "ads tracker".into()));
    assert_eq!(of("cart"), (CheckStatus::Warning, "cart cache".into()));
    assert_eq!(of("orders"), (CheckStatus::Warning, "orders cart cache".into()));
    assert_eq!(of("web"), (CheckStatus::Warning, "web ads tracker".into()));
    assert_eq!(of("tracker"), (CheckStatus::Critical, String::new()));
    assert_eq!(of("db"), (CheckStatus::Passing, String::new()));
}

#[test]
fn effective_health_and_impact_agree() {
    for seed in 0..200 {
        let graph = drawn(seed, 25, 15 + seed as usize % 50);
        let down = seed as usize % 25;
        let only = |at: usize| if at == down { CheckStatus::Critical } else { CheckStatus::Passing };
        let effective = graph.effective(only);
        let mut by_impact = vec![CheckStatus::Passing; graph.len()];
        by_impact[down] = CheckStatus::Critical;
        for reached in graph.impact(&[down]).reached {
            by_impact[reached.service] = match reached.effect {
                Effect::Broken => CheckStatus::Critical,
                Effect::Degraded => CheckStatus::Warning,
            };
        }
        let standing: Vec<CheckStatus> = (0..graph.len()).map(|at| effective.of(at).effective).collect();
        assert_eq!(standing, by_impact, "seed {seed}");
    }
}

#[test]
fn own_health_is_of_all_instances() {
    use CheckStatus::{Critical, Passing, Warning};
    assert_eq!(own([]), Critical);
    assert_eq!(own([Critical, Critical]), Critical);
    assert_eq!(own([Passing, Critical]), Warning);
    assert_eq!(own([Warning]), Warning);
    assert_eq!(own([Passing, Passing]), Passing);
}

/// What every answer costs, with the size of the graph as the unit.
fn costs(graph: &Graph) -> [f64; 5] {
    let size = (graph.len() + graph.edges()) as f64;
    let cost = |run: &dyn Fn(&mut Steps)| {
        let mut steps = 0;
        run(&mut steps);
        steps as f64 / size
    };
    [
        cost(&|steps| drop(graph.knots_over(|_, _| true, steps))),
        cost(&|steps| drop(graph.start_order_counted(steps))),
        cost(&|steps| drop(graph.impact_counted(&[0], steps))),
        cost(&|steps| drop(graph.effective_counted(|_| CheckStatus::Critical, steps))),
        cost(&|steps| drop(graph.cycles_counted(10, u64::MAX, steps))),
    ]
}

fn chain(services: usize, closed: bool) -> Graph {
    let mut builder = Builder::new();
    let label = |n: usize| name(&format!("s{n:05}"));
    for n in 0..services {
        let next = if n + 1 < services { Some(n + 1) } else { closed.then_some(0) };
        let needs: Vec<Dependency> =
            next.map(|next| Dependency { service: label(next), required: true }).into_iter().collect();
        builder.declared(&label(n), &needs);
    }
    builder.build(Bounds::default()).unwrap()
}

#[test]
fn ten_thousand_services_cost_steps_in_proportion() {
    for graph in [drawn(1, 10_000, 30_000), chain(10_000, false), chain(10_000, true)] {
        let [knots, start, impact, effective, cycles] = costs(&graph);
        assert!(knots <= 2.0 && start <= 4.0 && impact <= 3.0 && effective <= 3.0, "{:?}", costs(&graph));
        assert!(cycles <= 40.0, "{cycles} for 10 cycles");
    }
    let ring = chain(10_000, true);
    let cycles = ring.cycles(10);
    assert!(cycles.complete && cycles.found.len() == 1 && cycles.found[0].members.len() == 10_000);
    let far = ring.impact(&[0]);
    assert_eq!(far.path(far.reached[0]).len(), 10_000);
    let order = chain(10_000, false).start_order();
    assert_eq!(order.layers.len(), 10_000);
}

#[test]
fn too_many_cycles_end_the_search_within_its_budget() {
    let mut builder = Builder::new();
    let label = |n: usize| name(&format!("s{n:02}"));
    for (from, to) in (0..60).flat_map(|from| (0..60).map(move |to| (from, to))) {
        builder.observed(&label(from), &label(to));
    }
    let graph = builder.build(Bounds::default()).unwrap();
    let mut steps = 0;
    let cycles = graph.cycles_counted(usize::MAX, 100_000, &mut steps);
    assert!(!cycles.complete && cycles.found.len() > 1000 && steps <= 100_001);
}

#[test]
fn trees_write_each_service_once_and_mark_the_rest() {
    let shop = shop();
    let note =
        |at: usize| if shop.name(at).as_str() == "cache" { "warning".to_owned() } else { String::new() };
    let all = tree(&shop, &[], 100, note);
    let expected = "\
lonely
web
├─ ads (optional)
│  ├─ db
│  └─ tracker (optional, not registered)
└─ cart
   ├─ cache (warning)
   └─ orders
      ├─ cart (optional, cycle)
      └─ db
";
    assert_eq!(all, Tree { text: expected.into(), cut: false });
    let short = tree(&shop, &[shop.number(&name("web")).unwrap()], 3, note);
    assert_eq!(short, Tree { text: "web\n├─ ads (optional)\n│  ├─ db\n".into(), cut: true });
    let twice = graph("a: b, c\nb: d\nc: d\nd: e\nx: y\ny: x");
    let text = tree(&twice, &[], 100, |_| String::new()).text;
    assert!(
        text.contains("└─ c\n   └─ d (see above)\n") && text.contains("x\n└─ y\n   └─ x (cycle)\n"),
        "{text}"
    );
    let deep = tree(&chain(10_000, true), &[], 20_000, |_| String::new());
    assert!(deep.cut && deep.text.lines().count() == 51, "{}", deep.text);
    assert!(deep.text.ends_with("└─ s00050 (more below)\n"), "{}", deep.text);
}

#[test]
fn drawings_escape_names() {
    let odd = graph("we\"b: ?a\\N<b>#1&amp");
    let health = |at: usize| (at == 1).then_some(CheckStatus::Critical);
    let dot = graphviz(&odd, health);
    assert!(dot.contains("n0 [label=\"a\\\\n<b>#1&amp;amp\", style=dashed];"), "{dot}");
    assert!(dot.contains("n1 [label=\"we\\\"b\", color=\"#c62828\"];"), "{dot}");
    assert!(dot.contains("n1 -> n0 [style=dashed];"), "{dot}");
    let text = mermaid(&odd, health);
    assert!(text.contains("n0[\"a#92;n#60;b#62;#35;1#38;amp\"]:::missing"), "{text}");
    assert!(text.contains("n1[\"we#34;b\"]:::critical"), "{text}");
    assert!(text.contains("n1 -.-> n0"), "{text}");
    assert!(mermaid(&graph("a: b"), |_| None).contains("n0 --> n1"));
}
