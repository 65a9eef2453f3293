//! A query that fails, with as few parameters, values and resources as it fails with.

use std::fmt::Write;

use serde_json::Value;

use super::answered;
use super::evaluate::Query;
use super::service::{Expected, Service, url};
use super::text::parts;
use super::world::to_text;

/// Shrinks what failed and tells it.
pub(super) async fn tell(service: &mut Service, query: Query, why: String, seed: u64) -> ! {
    let (query, why) = fewer_parameters(service, query, why).await;
    let all: Vec<Value> = service.world.resources.iter().map(|it| it.body.clone()).collect();
    let (bodies, query, why) = match reload(service, &query, &all).await {
        Some(why) => {
            let (bodies, why) = fewer_resources(service, &query, all, why).await;
            let (query, why) = fewer_parameters(service, query, why).await;
            (bodies, query, why)
        }
        None => (all, query, format!("{why} (not when loaded anew)")),
    };
    let mut told = format!("seed {seed}: {why}\n  /{}?{}\n", query.path, url(&query.pairs));
    writeln!(told, "  {:?}", query.pairs).ok();
    writeln!(told, "  expected: {}", Expected::of(&service.world, &query).text()).ok();
    for body in bodies.iter().take(20) {
        writeln!(told, "  {}", to_text(body)).ok();
    }
    panic!("{told}");
}

async fn fails(service: &Service, query: &Query) -> Option<String> {
    answered(service, query).await.err()
}

/// Whether it still fails with only these resources.
async fn reload(service: &mut Service, query: &Query, bodies: &[Value]) -> Option<String> {
    service.clear().await;
    service.put(bodies).await;
    fails(service, query).await
}

async fn fewer_parameters(service: &Service, query: Query, why: String) -> (Query, String) {
    let (mut query, mut why) = (query, why);
    loop {
        let mut smaller = None;
        for candidate in candidates(&query) {
            if let Some(why) = fails(service, &candidate).await {
                smaller = Some((candidate, why));
                break;
            }
        }
        match smaller {
            Some(found) => (query, why) = found,
            None => return (query, why),
        }
    }
}

/// One parameter less, or one value less of a parameter.
fn candidates(query: &Query) -> Vec<Query> {
    let mut all = Vec::new();
    if query.by_post {
        all.push(Query { by_post: false, ..query.clone() });
    }
    for place in 0..query.pairs.len() {
        let mut fewer = query.clone();
        let (name, value) = fewer.pairs.remove(place);
        if name != "_type" {
            all.push(fewer);
        }
        let values = parts(&value, ',');
        for without in (0..values.len()).filter(|_| values.len() > 1 && name != "_type") {
            let mut rest = values.clone();
            rest.remove(without);
            let mut fewer = query.clone();
            fewer.pairs[place].1 = rest.join(",");
            all.push(fewer);
        }
    }
    all
}

/// Delta debugging: halves, quarters and so on are left out as long as it fails.
async fn fewer_resources(
    service: &mut Service,
    query: &Query,
    bodies: Vec<Value>,
    why: String,
) -> (Vec<Value>, String) {
    let (mut bodies, mut why) = (bodies, why);
    let mut chunk = bodies.len().div_ceil(2);
    while chunk > 0 {
        let mut from = 0;
        while from < bodies.len() {
            let to = (from + chunk).min(bodies.len());
            let fewer = [&bodies[..from], &bodies[to..]].concat();
            match reload(service, query, &fewer).await {
                Some(still) => (bodies, why) = (fewer, still),
                None => from = to,
            }
        }
        chunk /= 2;
    }
    reload(service, query, &bodies).await;
    (bodies, why)
}
