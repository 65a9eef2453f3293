//! How a service is set to read dates that are searched for.

use serde_json::json;
use stories::{Actor, Firekeep, Setup};

async fn found(app: &Actor, query: &str) -> String {
    app.get(&format!("/Encounter?{query}")).await.ok().ids().join(" ")
}

async fn set(settings: &str) -> (Firekeep, Actor) {
    let config = Some(format!("[service.'main/demo']\n{settings}\n"));
    let fk = Firekeep::start_with(Setup { config, ..Setup::default() }).await;
    let app = fk.as_contributor().await;
    for (id, start, end) in [
        ("day", "2020-05-01", "2020-05-01"),
        ("month", "2020-05-01", "2020-05-31"),
        ("hour", "2020-05-01T08:00:00Z", "2020-05-01T09:00:00Z"),
    ] {
        let encounter = json!({"resourceType": "Encounter", "id": id, "status": "finished",
            "class": {"code": "AMB"}, "period": {"start": start, "end": end}});
        app.put(&format!("/Encounter/{id}"), &encounter).await.created();
    }
    (fk, app)
}

#[tokio::test]
async fn a_date_contains_what_equals_it_and_on_azure_overlaps_it() {
    let (_fk, app) = set("compatibility = 'r4'").await;
    assert_eq!(found(&app, "date=2020-05-01").await, "day hour");
    let (_fk, app) = set("compatibility = 'azure'").await;
    assert_eq!(found(&app, "date=2020-05-01").await, "day month hour");
    assert_eq!(found(&app, "date=eq2020-05-20").await, "month");
    assert_eq!(found(&app, "date=sa2020-04").await, "day month hour");
}

#[tokio::test]
async fn a_time_without_a_zone_is_told_in_that_of_the_service() {
    let (_fk, app) = set("time-zone = '+02:00'").await;
    assert_eq!(found(&app, "date=sa2020-05-01T09:30&date=eb2020-05-01T11:30").await, "hour");
    assert_eq!(found(&app, "date=sa2020-05-01T09:30Z&date=eb2020-05-01T11:30").await, "");
    assert_eq!(found(&app, "date=2020-05-01").await, "day hour");
}
