//! The control plane's collections.

use store::control::{Change, ControlStore, KEY_BYTES};
use store::{StoreOptions, restore};

fn put(collection: &str, key: &[u8], value: &[u8]) -> Change {
    Change::Put { collection: collection.to_owned(), key: key.to_vec(), value: value.to_vec() }
}

fn delete(collection: &str, key: &[u8]) -> Change {
    Change::Delete { collection: collection.to_owned(), key: key.to_vec() }
}

fn open(folder: &std::path::Path) -> ControlStore {
    let options =
        StoreOptions { map_bytes: 1 << 20, map_bytes_most: 4 << 20, ..Default::default() };
    ControlStore::open(folder, options).unwrap()
}

#[test]
fn collections_are_apart_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let changes = [
        put("users", b"b", b"2"),
        put("users", b"a", b"1"),
        put("users", b"ab", b"3"),
        put("users", &[0xff, 0xff], b"4"),
        put("user", b"sx", b"other"),
        put("userss", b"a", b"other"),
    ];
    store.write(&changes).unwrap();
    assert_eq!(store.get("users", b"a").unwrap(), Some(b"1".to_vec()));
    assert_eq!(store.get("users", b"c").unwrap(), None);
    let keys = |prefix: &[u8]| {
        let found = store.scan("users", prefix).unwrap();
        found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(keys(b""), [&b"a"[..], b"ab", b"b", &[0xff, 0xff]]);
    assert_eq!(keys(b"a"), [&b"a"[..], b"ab"]);
    assert_eq!(keys(&[0xff]), [&[0xff, 0xff][..]]);
    assert_eq!(keys(b"z"), Vec::<Vec<u8>>::new());
}

#[test]
fn a_write_is_atomic_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.write(&[put("c", b"a", b"1"), put("c", b"b", b"2")]).unwrap();
    store.write(&[delete("c", b"a"), delete("c", b"unknown"), put("c", b"b", b"3")]).unwrap();
    let long = vec![b'k'; KEY_BYTES];
    assert!(store.write(&[put("c", b"b", b"lost"), put("c", &long, b"too long")]).is_err());
    assert!(store.write(&[put("", b"b", b"lost")]).is_err());
    assert!(store.write(&[put("c\0d", b"b", b"lost")]).is_err());
    store.write(&[put("c", &long[1..], b"just fits")]).unwrap();
    drop(store);
    let store = open(folder.path());
    let entries = store.scan("c", b"").unwrap();
    assert_eq!(entries[0], (b"b".to_vec(), b"3".to_vec()));
    assert_eq!(entries.len(), 2);
}

#[test]
fn it_grows_and_is_refused_when_it_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let large = vec![b'x'; 300_000];
    let full = loop {
        let next = store.scan("c", b"").unwrap().len();
        if let Err(fault) = store.write(&[put("c", next.to_string().as_bytes(), &large)]) {
            break fault;
        }
    };
    assert!(full.is_no_room(), "{full}");
    let stored = store.scan("c", b"").unwrap().len();
    assert!(stored > 6, "more than the first mebibyte: {stored}");
    // The engine uses the pages that a write frees again from the second write after it on.
    store.write(&[delete("c", b"0")]).unwrap();
    store.write(&[delete("c", b"1")]).unwrap();
    store.write(&[put("c", b"again", &large)]).unwrap();
}

#[test]
fn it_is_backed_up_and_restored() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("live"));
    store.write(&[put("c", b"a", b"1")]).unwrap();
    let (to, restored) = (folder.path().join("backup"), folder.path().join("restored"));
    store.backup(&to).unwrap();
    restore(&to, &restored).unwrap();
    assert_eq!(open(&restored).get("c", b"a").unwrap(), Some(b"1".to_vec()));
}
