//! Allowed object IDs and role assignments: effective for the very next request.

use serde_json::json;
use stories::Firekeep;

#[tokio::test]
async fn a_listed_object_id_opens_the_service_and_its_absence_closes_it() {
    let fk = Firekeep::start().await;
    let (somebody, object_id) = fk.as_stranger().await;
    let closed = somebody.get("/Patient").await.refused(403, &object_id);
    assert_eq!(closed.json()["issue"][0]["diagnostics"], "Authorization failed.");
    assert!(closed.text().contains("FHIR Data Reader"), "{}", closed.text());
    for _ in 0..2 {
        let allowed = fk.run(&["service", "allow", "main/demo", &object_id]);
        assert!(allowed.status.success(), "{allowed:?}");
        somebody.get("/Patient").await.ok();
        let disallowed = fk.run(&["service", "disallow", "main/demo", &object_id]);
        assert!(disallowed.status.success(), "{disallowed:?}");
        somebody.get("/Patient").await.status(403);
    }
}

#[tokio::test]
async fn a_client_id_does_not_get_on_the_list_of_object_ids() {
    let fk = Firekeep::start().await;
    let client = fk.says("/application/clientId");
    let refused = fk.run(&["service", "allow", "main/demo", &client]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("client id of"), "{said}");
    assert!(said.contains(&fk.says("/application/objectId")), "{said}");
}

#[tokio::test]
async fn a_role_opens_the_service_and_taking_it_away_closes_it() {
    let fk = Firekeep::start().await;
    let (somebody, object_id) = fk.as_stranger().await;
    let administrator = fk.as_administrator().await;
    let assignment = fk.assign(&object_id, "4c8d0bbc-75d3-4935-991f-5f3c56d81508").await;
    somebody.get("/Patient").await.ok();
    let write = somebody.post("/Patient", &json!({"resourceType": "Patient"})).await;
    write.refused(403, "FHIR Data Contributor");
    administrator.delete(&assignment).await.ok();
    somebody.get("/Patient").await.status(403);
    fk.assign(&object_id, "4c8d0bbc-75d3-4935-991f-5f3c56d81508").await;
    somebody.get("/Patient").await.ok();
}

#[tokio::test]
async fn owner_of_the_resource_is_no_data_access() {
    let fk = Firekeep::start().await;
    let (somebody, object_id) = fk.as_stranger().await;
    fk.assign(&object_id, "8e3af657-a8ff-443c-a75c-2fe8c4bcb635").await;
    somebody.get("/Patient").await.refused(403, "Owner");
}

#[tokio::test]
async fn a_scope_is_one_place_however_it_is_written() {
    let fk = Firekeep::start().await;
    let (somebody, object_id) = fk.as_stranger().await;
    let id = fk.says("/service/id");
    let role = |verb: &str| {
        let scope = id.to_uppercase();
        let options = ["--who", &object_id, "--role", "FHIR Data Reader", "--scope", &scope];
        let done = fk.run(&[&["role", verb], options.as_slice()].concat());
        assert!(done.status.success(), "{verb}: {done:?}");
    };
    role("assign");
    somebody.get("/Patient").await.ok();
    let query = format!("[?principalId=='{object_id}'].[scope, roleDefinitionName]");
    let listed = fk.run(&["role", "list", "--query", &query, "--output", "tsv"]);
    let listed = String::from_utf8_lossy(&listed.stdout).trim().to_owned();
    assert_eq!(listed, format!("{id}\tFHIR Data Reader"));
    role("remove");
    somebody.get("/Patient").await.status(403);
}
