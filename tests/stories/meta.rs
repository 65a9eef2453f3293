//! /{type}/{id}/$meta, $meta-add, $meta-delete and $purge-history.

use serde_json::{Value, json};
use stories::{Firekeep, patient};

fn given(meta: Value) -> Value {
    json!({"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]})
}

fn returned(parameters: &Value) -> Value {
    parameters["parameter"][0]["valueMeta"].clone()
}

#[tokio::test]
async fn tags_are_added_and_taken_away_each_as_one_version() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/a", &patient("a", "One")).await.created();
    let meta = returned(&app.get("/Patient/a/$meta").await.ok().json());
    assert_eq!(meta["versionId"], "1");
    let tag = json!({"tag": [{"system": "urn:s", "code": "t"}], "profile": ["http://p.example"]});
    let added = app.post("/Patient/a/$meta-add", &given(tag.clone())).await.ok();
    assert_eq!(added.header("etag"), "W/\"2\"");
    let meta = returned(&added.json());
    assert_eq!((&meta["tag"], &meta["profile"]), (&tag["tag"], &tag["profile"]));
    assert_eq!(meta["versionId"], "2");
    let again = app.post("/Patient/a/$meta-add", &given(tag.clone())).await.ok().json();
    assert_eq!(returned(&again), meta);
    let stored = app.get("/Patient/a").await.ok().json();
    assert_eq!((&stored["meta"], &stored["name"][0]["family"]), (&meta, &json!("One")));

    let of_type = returned(&app.get("/Patient/$meta").await.ok().json());
    assert_eq!(of_type, tag);
    let nothing = json!({"resourceType": "Parameters"});
    assert_eq!(returned(&app.post("/$meta", &nothing).await.ok().json()), tag);

    let one = json!({"tag": [{"system": "urn:s", "code": "t"}, {"code": "other"}]});
    let left = app.post("/Patient/a/$meta-delete", &given(one)).await.ok().json();
    assert_eq!(returned(&left)["profile"], tag["profile"]);
    assert!(returned(&left).get("tag").is_none());
    assert_eq!(app.get("/Patient/a/_history").await.ok().json()["total"], 3);
    let second = app.get("/Patient/a/_history/2/$meta").await.ok().json();
    assert_eq!(returned(&second), meta);
    app.get("/Patient/a/_history/9/$meta").await.refused(404, "version 9");
    let tagged = given(json!({"tag": [{"code": "t"}]}));
    app.post("/Patient/a/_history/1/$meta-add", &tagged).await.refused(404, "$meta-add");
}

#[tokio::test]
async fn a_change_of_meta_is_refused_as_a_write_is() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    app.put("/Patient/a", &patient("a", "One")).await.created();
    let tag = given(json!({"tag": [{"code": "t"}]}));
    reader.post("/Patient/a/$meta-add", &tag).await.refused(403, "Authorization failed.");
    app.post("/Patient/never/$meta-add", &tag).await.refused(404, "Patient/never");
    app.get("/Patient/a/$meta-add").await.refused(405, "POST");
    let bad = given(json!({"source": "urn:x"}));
    app.post("/Patient/a/$meta-add", &bad).await.refused(400, "source");
    app.post("/Patient/a/$meta-add", &json!({"resourceType": "Parameters"})).await.status(400);
    let wrong = given(json!({"tag": [{"code": 7}]}));
    app.post("/Patient/a/$meta-add", &wrong).await.refused(400, "Patient.meta.tag");
    app.delete("/Patient/a").await.no_content();
    app.get("/Patient/a/$meta").await.refused(410, "deleted");
    assert_eq!(app.get("/Patient/$meta").await.ok().json(), json!({"resourceType": "Parameters"}));
}

#[tokio::test]
async fn a_purged_history_leaves_the_current_version() {
    let fk = Firekeep::start().await;
    let (app, writer) =
        (fk.as_contributor().await, fk.as_role("3f88fce4-5892-4214-ae73-ba5294559913").await);
    for family in ["One", "Two", "Three"] {
        app.put("/Patient/a", &patient("a", family)).await;
    }
    writer.delete("/Patient/a/$purge-history").await.refused(403, "hardDelete");
    app.delete("/Patient/a/$purge-history").await.no_content();
    let history = app.get("/Patient/a/_history").await.ok().json();
    assert_eq!(history["total"], 1);
    assert_eq!(history["entry"][0]["resource"]["name"][0]["family"], "Three");
    app.get("/Patient/a/_history/1").await.status(404);
    assert_eq!(app.get("/Patient/a").await.ok().header("etag"), "W/\"3\"");
    app.put("/Patient/a", &patient("a", "Four")).await.ok();
    let nothing = json!({"resourceType": "Parameters"});
    app.post("/Patient/a/$purge-history", &nothing).await.no_content();
    assert_eq!(app.get("/Patient/a/_history").await.ok().json()["total"], 1);
    app.delete("/Patient/never/$purge-history").await.no_content();
    app.get("/Patient/a/$purge-history").await.refused(405, "DELETE");
}
