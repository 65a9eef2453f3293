//! `firekeep user`: the users of the tenant, over Graph.

use std::io::IsTerminal;

use anyhow::{Context, Result, anyhow};
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::control::text;
use crate::client::data_folder::{DataArgs, Opened};
use crate::client::{connection, grant};
use crate::output::{Column, OutputArgs};

const COLUMNS: [Column; 3] =
    [("Username", "/userPrincipalName"), ("Name", "/displayName"), ("ObjectId", "/id")];

/// Create and list users, reset passwords.
#[derive(Subcommand, Debug)]
pub(crate) enum UserCommand {
    /// Create a user
    #[command(after_help = "Examples:
  firekeep user create ada                        a password is made and printed
  firekeep user create ada@firekeep.localhost --display-name 'Ada Lovelace' --password -")]
    Create {
        /// Name to sign in with; without @DOMAIN the tenant's domain is added
        username: String,
        /// Name to show; the user name unless given
        #[arg(long)]
        display_name: Option<String>,
        /// Password, or - to read it from standard input; one is made and printed unless given
        #[arg(long, allow_hyphen_values = true)]
        password: Option<String>,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List all users
    #[command(after_help = "Example:\n  firekeep user list --output table")]
    List {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Give a user a new password and end all sessions
    #[command(after_help = "Example:\n  firekeep user reset-password ada@firekeep.localhost")]
    ResetPassword {
        /// Name to sign in with, or object id
        username: String,
        /// Password, or - to read it from standard input; one is made and printed unless given
        #[arg(long, allow_hyphen_values = true)]
        password: Option<String>,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

pub(crate) async fn run(command: UserCommand) -> Result<()> {
    match command {
        UserCommand::Create { username, display_name, password, data, output } => {
            create(username, display_name, password, &data, &output).await
        }
        UserCommand::List { data, output } => {
            let all = async |opened: &Opened| {
                opened.control().graph(Method::GET, "/v1.0/users", None).await
            };
            let users = data.with(all).await?;
            let users = users.get("value").cloned().unwrap_or_default();
            output.print_with_columns(users, &COLUMNS)
        }
        UserCommand::ResetPassword { username, password, data, output } => {
            reset_password(username, password, &data, &output).await
        }
    }
}

async fn create(
    username: String,
    display_name: Option<String>,
    password: Option<String>,
    data: &DataArgs,
    output: &OutputArgs,
) -> Result<()> {
    data.with(async |opened| {
        let username = with_domain(username, &opened.connection.tenant_domain);
        let (password, made) = choose(password.as_deref())?;
        let nickname = username.split('@').next().unwrap_or_default();
        let body = json!({
            "accountEnabled": true, "userPrincipalName": username, "mailNickname": nickname,
            "displayName": display_name.as_deref().unwrap_or(nickname),
            "passwordProfile": {"password": password, "forceChangePasswordNextSignIn": false},
        });
        let user = opened.control().graph(Method::POST, "/v1.0/users", Some(&body)).await?;
        output.print(answer(&user, made.then_some(password)))
    })
    .await
}

async fn reset_password(
    username: String,
    password: Option<String>,
    data: &DataArgs,
    output: &OutputArgs,
) -> Result<()> {
    data.with(async |opened| {
        let is_id = uuid::Uuid::parse_str(&username).is_ok();
        let username =
            if is_id { username } else { with_domain(username, &opened.connection.tenant_domain) };
        let control = opened.control();
        let user = control.graph(Method::GET, &format!("/v1.0/users/{username}"), None).await?;
        let (password, made) = choose(password.as_deref())?;
        let body = json!({"passwordProfile": {"password": password}});
        let id = text(&user, "/id");
        control.graph(Method::PATCH, &format!("/v1.0/users/{id}"), Some(&body)).await?;
        if opened.connection.administrator.as_ref().is_some_and(|it| it.object_id == id) {
            let pointer = "/administrator/password";
            connection::put_secret(&opened.folder, pointer, &password, &opened.whole)?;
        }
        output.print(answer(&user, made.then_some(password)))
    })
    .await
}

fn with_domain(username: String, domain: &str) -> String {
    if username.contains('@') { username } else { format!("{username}@{domain}") }
}

/// The password, and whether it was made here and must be shown.
fn choose(given: Option<&str>) -> Result<(String, bool)> {
    match given {
        None => Ok((new_password(), true)),
        Some("-") => read_secret("Password: ").map(|password| (password, false)),
        Some(password) => Ok((password.to_owned(), false)),
    }
}

/// 120 random bits as text that no command line takes for an option.
fn new_password() -> String {
    loop {
        let password = grant::random_text(15);
        if !password.starts_with('-') {
            return password;
        }
    }
}

/// A secret from the terminal without echo, or the first line of standard input.
pub(crate) fn read_secret(prompt: &str) -> Result<String> {
    let stdin = std::io::stdin();
    let secret = if stdin.is_terminal() {
        rpassword::prompt_password(prompt).context("cannot read from the terminal")?
    } else {
        let mut line = String::new();
        stdin.read_line(&mut line).context("cannot read standard input")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if secret.is_empty() { Err(anyhow!("no password or secret was given")) } else { Ok(secret) }
}

fn answer(user: &Value, password: Option<String>) -> Value {
    let mut answer = json!({
        "username": user.get("userPrincipalName"), "displayName": user.get("displayName"),
        "objectId": user.get("id"),
    });
    if let (Some(password), Some(members)) = (password, answer.as_object_mut()) {
        members.insert("password".to_owned(), password.into());
    }
    answer
}
