//! The control plane's routes: ARM, Graph and `/_admin`, with the token that opens all three.

use anyhow::{Result, anyhow};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::data_folder::Opened;
use super::http;

/// The versions of the ARM API that commands speak.
const HEALTHCARE: &str = "2024-03-31";
/// The last one whose services show their lists of allowed object ids.
const ACCESS_POLICIES: &str = "2021-11-01";
const AUTHORIZATION: &str = "2022-04-01";
const RESOURCES: &str = "2021-04-01";
/// The resource group when the first start made none.
const GROUP: &str = "firekeep";

/// The control plane of one server.
pub(crate) struct Control<'o> {
    opened: &'o Opened,
}

/// `WS/NAME` as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceName {
    pub(crate) workspace: String,
    pub(crate) name: String,
}

impl ServiceName {
    /// `WS-NAME`, the service's label in host names and paths.
    pub(crate) fn label(&self) -> String {
        format!("{}-{}", self.workspace, self.name)
    }
}

impl std::fmt::Display for ServiceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.workspace, self.name)
    }
}

impl std::str::FromStr for ServiceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((workspace, name))
                if !workspace.is_empty() && !name.is_empty() && !name.contains('/') =>
            {
                Ok(Self { workspace: workspace.to_owned(), name: name.to_owned() })
            }
            _ => Err("a service is written WORKSPACE/NAME, as in main/demo".to_owned()),
        }
    }
}

impl<'o> Control<'o> {
    pub(crate) fn new(opened: &'o Opened) -> Self {
        Self { opened }
    }

    /// `/subscriptions/S`.
    pub(crate) fn subscription(&self) -> String {
        format!("/subscriptions/{}", self.opened.connection.subscription_id)
    }

    /// The ARM id of the resource group that commands work in.
    pub(crate) fn resource_group_id(&self) -> String {
        let group = self.opened.connection.resource_group.as_deref().unwrap_or(GROUP);
        format!("{}/resourceGroups/{group}", self.subscription())
    }

    /// The ARM id of a workspace in the first resource group.
    pub(crate) fn workspace_id(&self, workspace: &str) -> String {
        format!(
            "{}/providers/Microsoft.HealthcareApis/workspaces/{workspace}",
            self.resource_group_id()
        )
    }

    /// The ARM id of a service.
    pub(crate) fn service_id(&self, service: &ServiceName) -> String {
        format!("{}/fhirservices/{}", self.workspace_id(&service.workspace), service.name)
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Value> {
        self.arm(Method::GET, id, HEALTHCARE, None).await
    }

    pub(crate) async fn put(&self, id: &str, body: &Value) -> Result<Value> {
        self.arm(Method::PUT, id, HEALTHCARE, Some(body)).await
    }

    /// Makes the resource group that commands work in when there is none.
    pub(crate) async fn ensure_resource_group(&self, location: &str) -> Result<Value> {
        let body = json!({"location": location});
        self.arm(Method::PUT, &self.resource_group_id(), RESOURCES, Some(&body)).await
    }

    pub(crate) async fn delete(&self, id: &str) -> Result<Value> {
        self.arm(Method::DELETE, id, HEALTHCARE, None).await
    }

    /// The service with its list of allowed object ids.
    pub(crate) async fn get_with_policies(&self, id: &str) -> Result<Value> {
        self.arm(Method::GET, id, ACCESS_POLICIES, None).await
    }

    pub(crate) async fn put_with_policies(&self, id: &str, body: &Value) -> Result<Value> {
        self.arm(Method::PUT, id, ACCESS_POLICIES, Some(body)).await
    }

    /// `Microsoft.Authorization` under a scope: `roleAssignments`, `roleDefinitions`; `rest` may
    /// hold a filter.
    pub(crate) async fn authorization(
        &self,
        method: Method,
        scope: &str,
        rest: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        let id = format!("{scope}/providers/Microsoft.Authorization/{rest}");
        self.arm(method, &id, AUTHORIZATION, body).await
    }

    /// Microsoft Graph, `path` beginning with `/v1.0/`.
    pub(crate) async fn graph(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        self.send(method, &format!("{}{path}", self.opened.connection.graph), body).await
    }

    /// The first object of a Graph collection that a filter finds.
    pub(crate) async fn find(&self, collection: &str, filter: &str) -> Result<Option<Value>> {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("$filter", filter).finish();
        let found = self.graph(Method::GET, &format!("/v1.0/{collection}?{query}"), None).await?;
        Ok(found.pointer("/value/0").cloned())
    }

    /// A route under `/_admin`.
    pub(crate) async fn admin(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        self.send(method, &self.admin_url(path), body).await
    }

    /// Sends bytes to a route under `/_admin`.
    pub(crate) async fn admin_put(&self, path: &str, body: Vec<u8>) -> Result<Value> {
        let request = self.request(Method::POST, &self.admin_url(path)).await?;
        let request = request.header(CONTENT_TYPE, "application/octet-stream").body(body);
        let response = request.send().await.map_err(|error| http::unreachable(&error))?;
        http::json(response).await
    }

    /// Deletes what a route under `/_admin` names.
    pub(crate) async fn admin_delete(&self, path: &str) -> Result<Value> {
        self.send(Method::DELETE, &self.admin_url(path), None).await
    }

    fn admin_url(&self, path: &str) -> String {
        format!("{}/_admin/{path}", self.opened.connection.arm)
    }

    async fn arm(
        &self,
        method: Method,
        id: &str,
        version: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        let with = if id.contains('?') { '&' } else { '?' };
        let url = format!("{}{id}{with}api-version={version}", self.opened.connection.arm);
        self.send(method, &url, body).await
    }

    async fn request(&self, method: Method, url: &str) -> Result<RequestBuilder> {
        let token = self.opened.tokens.get(&self.opened.connection.arm).await?;
        Ok(self.opened.http.request(method, url).bearer_auth(token))
    }

    async fn send(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Value> {
        let mut request = self.request(method, url).await?;
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| http::unreachable(&error))?;
        http::json(response).await
    }
}

/// The items of a list answer.
pub(crate) fn items(list: &Value) -> Vec<Value> {
    list.get("value").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// A member that is text, or nothing.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A principal, found by its object id or by the client id of its application.
pub(crate) struct Principal {
    pub(crate) object_id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
}

impl Control<'_> {
    /// The service principal of the application with this client id.
    pub(crate) async fn client(&self, id: &str) -> Result<Option<Principal>> {
        let found = self.find("servicePrincipals", &format!("appId eq '{id}'")).await?;
        Ok(found.map(|it| principal(&it, "ServicePrincipal")))
    }

    /// Finds a user or service principal by object id, client id or user name.
    pub(crate) async fn principal(&self, who: &str) -> Result<Principal> {
        let quoted = who.replace('\'', "''");
        if who.contains('@') {
            let user = self.find("users", &format!("userPrincipalName eq '{quoted}'")).await?;
            let user = user.ok_or_else(|| anyhow!("there is no user {who}"))?;
            return Ok(principal(&user, "User"));
        }
        if let Some(client) = self.client(&quoted).await? {
            return Ok(client);
        }
        let body = json!({"ids": [who], "types": ["user", "servicePrincipal"]});
        let found =
            self.graph(Method::POST, "/v1.0/directoryObjects/getByIds", Some(&body)).await?;
        let found = found.pointer("/value/0").cloned().ok_or_else(|| {
            anyhow!(
                "{who} is neither an object id, a client id nor a user name; \
                 see: firekeep user list, firekeep app list"
            )
        })?;
        let is_user = text(&found, "/@odata.type").ends_with(".user");
        Ok(principal(&found, if is_user { "User" } else { "ServicePrincipal" }))
    }
}

fn principal(object: &Value, kind: &str) -> Principal {
    let name = match text(object, "/userPrincipalName") {
        "" => text(object, "/displayName"),
        user => user,
    };
    Principal {
        object_id: text(object, "/id").to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
    }
}
