//! `-m cluster`.

use netverdict_ruleset::matches::{Cluster, Match};

use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "cluster",
    family: None,
    options: &[
        Opt::value("cluster-total-nodes").mandatory(),
        Opt::value("cluster-local-node")
            .invertible()
            .excludes(&["cluster-local-nodemask"]),
        Opt::value("cluster-local-nodemask")
            .invertible()
            .excludes(&["cluster-local-node"]),
        Opt::value("cluster-hash-seed").mandatory(),
    ],
    place: Place::ANY,
    build,
};

/// Most nodes.
const NODES_MAX: u64 = 32;

fn build(given: &Given<'_>) -> Parsed<Match> {
    let node = given.test("cluster-local-node", |arg| {
        arg.number(1, NODES_MAX).map(|n| 1 << (n - 1))
    })?;
    let mask = given.test("cluster-local-nodemask", Arg::u32)?;
    let cluster = Cluster {
        nodes: node
            .or(mask)
            .ok_or_else(|| given.missing("--cluster-local-node or --cluster-local-nodemask"))?,
        total: given
            .required("cluster-total-nodes")?
            .number(1, NODES_MAX)? as u32,
        seed: given.required("cluster-hash-seed")?.u32()?,
    };
    if u64::from(cluster.nodes.value) >= 1 << cluster.total {
        return Err(given.problem(Code::Value, "a local node is beyond the number of nodes"));
    }
    Ok(Match::Cluster(cluster))
}
