//! `firekeep backup` and `restore`: a copy made while the service runs, and a service started from
//! it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use stories::{Firekeep, Setup, patient};

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_backup_of_a_running_service_restores_to_the_same_service() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/kept", &patient("kept", "Kept")).await.created();
    let place = tempfile::tempdir().expect("a folder");
    let (copy, restored) = (place.path().join("copy"), place.path().join("restored"));
    let made = fk.run(&["backup", &copy.display().to_string()]);
    assert!(made.status.success(), "{made:?}");
    for file in files(&copy) {
        let mode = std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777;
        let public = file.extension().is_some_and(|kind| kind == "pem");
        assert!(mode == 0o600 || public || file.ends_with("manifest.json"), "{file:?}: {mode:o}");
    }
    app.put("/Patient/late", &patient("late", "Late")).await.created();
    let refused = fk.run(&["restore", &copy.display().to_string()]);
    assert_eq!(refused.status.code(), Some(1), "a folder in use is not overwritten: {refused:?}");

    std::fs::create_dir(&restored).expect("a folder");
    let target = restored.display().to_string();
    let put_back = fk.run(&["restore", "--data", &target, &copy.display().to_string()]);
    assert!(put_back.status.success(), "{put_back:?}");
    let (tenant, id) = (fk.says("/tenantId"), fk.says("/application/clientId"));
    let secret = fk.says("/application/clientSecret");
    drop(fk);
    let folder = tempfile::TempDir::new().expect("a folder");
    std::fs::remove_dir(folder.path()).expect("an empty folder");
    std::fs::rename(&restored, folder.path()).expect("the restored folder moves");
    let again = Firekeep::start_with(Setup { folder: Some(folder), ..Setup::default() }).await;
    assert_eq!(again.says("/tenantId"), tenant);
    let base = again.says("/service/pathUrl");
    let token = again.application_token(&id, &secret, &base).await;
    let app = again.as_anonymous().with_token(&token);
    assert_eq!(app.get("/Patient/kept").await.ok().json()["name"][0]["family"], "Kept");
    app.get("/Patient/late").await.status(404);
}
