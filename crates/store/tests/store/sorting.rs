//! Sorts by what is no search value.

use std::cmp::Ordering;

use fhir::search::Value;
use store::*;

use crate::searching::{STRING, ask, names, paged};
use crate::world::{PATIENT, World, content, id, patient};

#[test]
fn what_one_commit_wrote_has_one_time_and_goes_by_the_next_key() {
    let world = World::new();
    for commit in 0..8 {
        let put = |number: u32| {
            // The last of a commit comes first by its name.
            let name = format!("n{}", 9 - number);
            let values = [(STRING, Value::String(name.into()))];
            let content = content(&format!("{commit} {number}"))
                .with_values(Forward::pack(&values, &names), Vec::new());
            let key = patient(&format!("{commit}{number}"));
            Operation::Put { key, condition: PutCondition::Any, content }
        };
        world.commit((0..3).map(put).collect()).unwrap();
    }
    let snapshot = world.store.snapshot();
    // Few are gathered and sorted, many walked.
    for commits in [2, 8] {
        let all = (0..commits).flat_map(|commit| (0..3).map(move |number| (commit, number)));
        let ids = all.clone().map(|(commit, number)| id(&format!("{commit}{number}"))).collect();
        let everything = ask(&Criterion::Ids(ids));
        for (by_time, by_name) in [(false, false), (false, true), (true, false), (true, true)] {
            let by = SortBy::Parameter(vec![(PATIENT, STRING)]);
            let keys = [(SortBy::LastUpdated, by_time), (by, by_name)];
            let sort = keys.map(|(by, descending)| SortKey { by, descending }).to_vec();
            let mut expected = all.clone().collect::<Vec<(u32, u32)>>();
            expected.sort_by(|one, two| {
                let (time, name) = (one.0.cmp(&two.0), two.1.cmp(&one.1));
                let directed = |it: Ordering, falls| if falls { it.reverse() } else { it };
                directed(time, by_time).then(directed(name, by_name))
            });
            let expected = expected.iter().map(|(commit, number)| format!("{commit}{number}"));
            let found = paged(&snapshot, SearchPlan { sort, ..everything.clone() });
            assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }
}
