//! Stories over a real control store in a temporary folder, with a clock that stands still.

mod access;
mod assertion;
mod changes;
mod code;
mod credentials;
mod device;
mod refresh;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use base::{Random, TestClock, Timestamp};
use serde_json::{Map, Value};
use store::StoreOptions;
use store::control::{Change, ControlStore};
use tempfile::TempDir;
use uuid::Uuid;

use crate::jwt::Jwt;
use crate::keys::KeySet;
use crate::secret::sha256;
use crate::*;

const ORIGIN: &str = "https://localhost:8443";
const FHIR: &str = "https://main-demo.fhir.localhost:8443";
const PATH_FORM: &str = "https://localhost:8443/fhir/main-demo";
const PASSWORD: &str = "correct horse";

/// Bytes that are different each time and the same in every run.
#[derive(Default)]
struct CountedRandom(AtomicU64);

impl Random for CountedRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let hash = sha256(&self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes());
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

/// A data folder as a first start leaves it, and what is in it.
struct World {
    clock: TestClock,
    control: ControlStore,
    authority: Authority,
    tenant: Uuid,
    subscription: Uuid,
    application: Application,
    principal: Uuid,
    secret: String,
    user: Uuid,
    service: ServiceId,
    connection: LastToken,
    _folder: TempDir,
}

/// Keys cost a second in a test build: they are made once for all stories.
fn seed_keys(control: &ControlStore) {
    static KEYS: OnceLock<Vec<u8>> = OnceLock::new();
    let record = |value: Vec<u8>| Change::Put {
        collection: "signing_keys".to_owned(),
        key: b"all".to_vec(),
        value,
    };
    let keys = KEYS.get_or_init(|| {
        KeySet::open(control).unwrap();
        control.get("signing_keys", b"all").unwrap().unwrap()
    });
    control.write(&[record(keys.clone())]).unwrap();
}

fn open(control: &ControlStore, clock: &TestClock) -> Authority {
    let authority = Authority::open(AuthorityOptions {
        control: control.clone(),
        clock: Arc::new(clock.clone()),
        random: Arc::new(CountedRandom::default()),
    })
    .unwrap();
    authority.set_names(Names {
        origin: ORIGIN.to_owned(),
        arm: vec![ORIGIN.to_owned()],
        graph: vec!["https://localhost:8443/graph".to_owned()],
        services: vec![ServiceNames {
            service: ServiceId::new("main", "demo"),
            urls: vec![FHIR.to_owned(), PATH_FORM.to_owned()],
        }],
    });
    authority
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::at(Timestamp::from_unix_seconds(1_795_532_334));
        let options = StoreOptions { map_bytes: 16 << 20, ..StoreOptions::default() };
        let control = ControlStore::open(folder.path(), options).unwrap();
        seed_keys(&control);
        let authority = open(&control, &clock);
        let made = authority.change(|draft| {
            let tenant = draft.add_tenant("firekeep.localhost", "Firekeep")?;
            let subscription = draft.add_subscription(tenant, "Firekeep")?;
            let service = add_service(draft, subscription)?;
            let application = draft.add_application(NewApplication {
                tenant,
                display_name: "loader".to_owned(),
                redirect_uris: vec!["https://app.example/callback".to_owned()],
                identifier_uris: Vec::new(),
                public_client: false,
            })?;
            let principal = draft.add_service_principal(tenant, application.client_id)?;
            let secret = draft.add_secret(application.object_id, "first", None)?.text;
            let user = draft.add_user(&NewUser {
                tenant,
                username: "Ada@firekeep.localhost",
                display_name: "Ada Lovelace",
                password: PASSWORD,
            })?;
            Ok((tenant, subscription, application, principal, secret, user, service))
        });
        let (tenant, subscription, application, principal, secret, user, service) = made.unwrap();
        Self {
            clock,
            control,
            authority,
            tenant,
            subscription,
            application,
            principal,
            secret,
            user,
            service,
            connection: LastToken::default(),
            _folder: folder,
        }
    }

    fn at(&self, shape: Shape) -> Endpoint {
        match shape {
            Shape::Adfs => Endpoint::new("adfs", shape),
            Shape::V1 | Shape::V2 => Endpoint::new(&self.tenant.to_string(), shape),
        }
    }

    /// Posts to the v2 token endpoint.
    fn post(&self, pairs: &[(&str, &str)]) -> Result<TokenAnswer, TokenRefusal> {
        self.authority.token(&self.at(Shape::V2), &form(pairs))
    }

    /// A token for the application, for the FHIR service.
    fn app_token(&self) -> String {
        let client_id = self.application.client_id.to_string();
        let answer = self.post(&[
            ("grant_type", "client_credentials"),
            ("client_id", &client_id),
            ("client_secret", &self.secret),
            ("scope", &format!("{FHIR}/.default")),
        ]);
        answer.unwrap().access_token
    }

    fn sign_in(&self) -> SignedIn {
        let endpoint = Endpoint::new("organizations", Shape::V2);
        self.authority.sign_in(&endpoint, "ada@firekeep.localhost", PASSWORD).unwrap()
    }

    fn expected(&self) -> ExpectedAudience {
        ExpectedAudience::Service(self.service.clone())
    }

    /// Who the application is, by a fresh token.
    fn app_identity(&self) -> Arc<Identity> {
        self.authority.verify(&self.app_token(), &self.expected()).unwrap()
    }
}

fn add_service(draft: &mut Draft<'_>, subscription: Uuid) -> Result<ServiceId, ChangeRefused> {
    let (location, created) = ("local".to_owned(), draft.now());
    draft.put_resource_group(ResourceGroup {
        subscription,
        name: "Group".to_owned(),
        location: location.clone(),
        tags: BTreeMap::new(),
    })?;
    draft.put_workspace(Workspace {
        name: "main".to_owned(),
        subscription,
        resource_group: "Group".to_owned(),
        location: location.clone(),
        tags: BTreeMap::new(),
        properties: Map::new(),
        created,
    })?;
    let id = ServiceId::new("Main", "demo");
    draft.put_service(Service {
        id: id.clone(),
        kind: "fhir-R4".to_owned(),
        location,
        tags: BTreeMap::new(),
        identity: None,
        properties: Map::new(),
        allowed_object_ids: BTreeSet::new(),
        created,
    })?;
    Ok(id)
}

fn form(pairs: &[(&str, &str)]) -> Parameters {
    Parameters::from_pairs(
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

/// The AADSTS number of a refusal; 0 where there was an answer.
fn code<T>(answer: &Result<T, TokenRefusal>) -> u32 {
    answer.as_ref().err().map_or(0, |refusal| refusal.row().code)
}

fn claims(token: &str) -> Value {
    Jwt::split(token).unwrap().claims().unwrap()
}
