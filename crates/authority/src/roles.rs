//! <https://learn.microsoft.com/azure/role-based-access-control/built-in-roles>
//!
//! Built-in roles with Azure's names and ids, and the data actions they hold. Owner, Contributor
//! and Reader manage the service and open none of its data: the commonest mistake there is.

use std::fmt;

use uuid::{Uuid, uuid};

/// What can be done with the data of a FHIR service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DataAction {
    /// Read, vread, history, search.
    Read,
    /// Create, update, patch.
    Write,
    /// Delete, so that history stays.
    Delete,
    /// Delete with all history.
    HardDelete,
    /// `$export`.
    Export,
    /// `$import`.
    Import,
    /// `$validate`.
    ResourceValidate,
    /// `$reindex`.
    Reindex,
    /// `$convert-data`.
    ConvertData,
    /// Write profiles, value sets and the like.
    EditProfileDefinitions,
    /// Change the state of search parameters.
    SearchParameter,
    /// `$bulk-update`, `$bulk-delete`.
    BulkOperator,
    /// Search; `read` covers it.
    Search,
    /// Read one resource by its id; `read` covers it.
    ReadById,
    /// What the SMART scopes of the token say, and no more.
    Smart,
}

impl DataAction {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Read,
        Self::Write,
        Self::Delete,
        Self::HardDelete,
        Self::Export,
        Self::Import,
        Self::ResourceValidate,
        Self::Reindex,
        Self::ConvertData,
        Self::EditProfileDefinitions,
        Self::SearchParameter,
        Self::BulkOperator,
        Self::Search,
        Self::ReadById,
        Self::Smart,
    ];

    /// The end of Azure's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::HardDelete => "hardDelete/action",
            Self::Export => "export/action",
            Self::Import => "import/action",
            Self::ResourceValidate => "resourceValidate/action",
            Self::Reindex => "reindex/action",
            Self::ConvertData => "convertData/action",
            Self::EditProfileDefinitions => "editProfileDefinitions/action",
            Self::SearchParameter => "searchParameter/action",
            Self::BulkOperator => "bulkOperator/action",
            Self::Search => "search/action",
            Self::ReadById => "readById/action",
            Self::Smart => "smart/action",
        }
    }

    /// The wider action that holds this one too.
    fn covered_by(self) -> Option<Self> {
        match self {
            Self::Search | Self::ReadById => Some(Self::Read),
            Self::Read
            | Self::Write
            | Self::Delete
            | Self::HardDelete
            | Self::Export
            | Self::Import
            | Self::ResourceValidate
            | Self::Reindex
            | Self::ConvertData
            | Self::EditProfileDefinitions
            | Self::SearchParameter
            | Self::BulkOperator
            | Self::Smart => None,
        }
    }
}

/// Azure's full name, as it stands for services of a workspace.
impl fmt::Display for DataAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{WORKSPACE_DATA}{}", self.name())
    }
}

/// Before the names of data actions on services of a workspace.
const WORKSPACE_DATA: &str = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/";
/// Before the names of data actions on accounts of the older Azure API for FHIR.
const ACCOUNT_DATA: &str = "Microsoft.HealthcareApis/services/fhir/resources/";

/// A built-in role. Data actions are written by their ends; see [`RoleDefinition::data_actions`].
#[derive(Debug)]
pub struct RoleDefinition {
    /// The GUID, the same in every Azure tenant.
    pub id: Uuid,
    /// Azure's name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Control-plane actions it gives; `*` stands for anything.
    pub actions: &'static [&'static str],
    /// Control-plane actions it does not give after all.
    pub not_actions: &'static [&'static str],
    data: &'static [&'static str],
    not_data: &'static [&'static str],
    /// Whether it holds for accounts outside workspaces too.
    accounts: bool,
}

impl RoleDefinition {
    /// The data actions it gives, in full.
    #[must_use]
    pub fn data_actions(&self) -> Vec<String> {
        self.in_full(self.data)
    }

    /// The data actions it does not give after all, in full.
    #[must_use]
    pub fn not_data_actions(&self) -> Vec<String> {
        self.in_full(self.not_data)
    }

    fn in_full(&self, ends: &[&str]) -> Vec<String> {
        let prefixes = [(ACCOUNT_DATA, self.accounts), (WORKSPACE_DATA, true)];
        let held = prefixes.iter().filter(|(_, holds)| *holds);
        held.flat_map(|(prefix, _)| ends.iter().map(move |end| format!("{prefix}{end}"))).collect()
    }

    /// Whether it gives a data action on services of a workspace.
    #[must_use]
    pub fn gives(&self, action: DataAction) -> bool {
        let listed = |list: &[&str], action: DataAction| {
            list.iter().any(|pattern| matches(pattern, action.name()))
        };
        let given = |action| listed(self.data, action) && !listed(self.not_data, action);
        given(action) || action.covered_by().is_some_and(given)
    }

    /// Whether it gives a control-plane action, such as
    /// `Microsoft.HealthcareApis/workspaces/fhirservices/write`.
    #[must_use]
    pub fn gives_control(&self, action: &str) -> bool {
        let listed = |list: &[&str]| list.iter().any(|pattern| matches(pattern, action));
        listed(self.actions) && !listed(self.not_actions)
    }

    /// Whether it opens any data at all.
    #[must_use]
    pub fn opens_data(&self) -> bool {
        !self.data.is_empty()
    }
}

/// Whether `action` has the form of `pattern`, where `*` stands for any text; case does not count.
fn matches(pattern: &str, action: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern.eq_ignore_ascii_case(action);
    };
    let Some((start, end)) = action.split_at_checked(head.len()) else { return false };
    let mut tails = (0..=end.len()).filter_map(|at| end.get(at..));
    start.eq_ignore_ascii_case(head) && (rest.is_empty() || tails.any(|tail| matches(rest, tail)))
}

/// By GUID.
#[must_use]
pub fn by_id(id: Uuid) -> Option<&'static RoleDefinition> {
    ROLES.iter().find(|role| role.id == id)
}

/// By name, without regard to case.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static RoleDefinition> {
    ROLES.iter().find(|role| role.name.eq_ignore_ascii_case(name))
}

/// A role that opens data and manages nothing.
const fn data_role(
    id: Uuid,
    name: &'static str,
    description: &'static str,
    data: &'static [&'static str],
) -> RoleDefinition {
    RoleDefinition {
        id,
        name,
        description,
        actions: &[],
        not_actions: &[],
        data,
        not_data: &[],
        accounts: true,
    }
}

/// A role that manages and opens no data.
const fn control_role(
    id: Uuid,
    name: &'static str,
    description: &'static str,
    actions: &'static [&'static str],
    not_actions: &'static [&'static str],
) -> RoleDefinition {
    RoleDefinition { actions, not_actions, ..data_role(id, name, description, &[]) }
}

/// The built-in roles, those with the least rights first.
pub static ROLES: &[RoleDefinition] = &[
    data_role(
        uuid!("4c8d0bbc-75d3-4935-991f-5f3c56d81508"),
        "FHIR Data Reader",
        "Reads and searches FHIR data.",
        &["read"],
    ),
    data_role(
        uuid!("3f88fce4-5892-4214-ae73-ba5294559913"),
        "FHIR Data Writer",
        "Reads and writes FHIR data; deletes it so that its history stays.",
        &[
            "read",
            "write",
            "delete",
            "export/action",
            "resourceValidate/action",
            "reindex/action",
            "convertData/action",
            "editProfileDefinitions/action",
            "import/action",
        ],
    ),
    RoleDefinition {
        not_data: &["smart/action"],
        ..data_role(
            uuid!("5a1fc7df-4bf1-4951-a576-89034ee01acd"),
            "FHIR Data Contributor",
            "Does everything with FHIR data, hard deletes included.",
            &["*"],
        )
    },
    data_role(
        uuid!("3db33094-8700-4567-8da5-1501d4e7e843"),
        "FHIR Data Exporter",
        "Reads FHIR data and exports it.",
        &["read", "export/action"],
    ),
    RoleDefinition {
        accounts: false,
        ..data_role(
            uuid!("4465e953-8ced-4406-a58e-0f6e3f3b530b"),
            "FHIR Data Importer",
            "Reads FHIR data and imports it.",
            &["read", "import/action"],
        )
    },
    data_role(
        uuid!("a1705bd2-3a8f-45a5-8683-466fcfd5cc24"),
        "FHIR Data Converter",
        "Converts other formats to FHIR.",
        &["convertData/action"],
    ),
    data_role(
        uuid!("4ba50f17-9666-485c-a643-ff00808643f0"),
        "FHIR SMART User",
        "Reads FHIR data as far as the SMART scopes of its token go.",
        &["read", "smart/action"],
    ),
    control_role(
        uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7"),
        "Reader",
        "Sees how resources are set up, and no FHIR data.",
        &["*/read"],
        &[],
    ),
    control_role(
        uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c"),
        "Contributor",
        "Sets up resources; gives no roles, and opens no FHIR data.",
        &["*"],
        &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            // Backups hold all data and the signing keys: no role that opens no data may take one.
            "Firekeep/*",
        ],
    ),
    control_role(
        uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
        "Owner",
        "Sets up resources and gives roles; opens no FHIR data by itself.",
        &["*"],
        &[],
    ),
    control_role(
        uuid!("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"),
        "User Access Administrator",
        "Gives roles.",
        &["*/read", "Microsoft.Authorization/*"],
        &[],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// One row per role: the letters of the actions in the order of [`DataAction::ALL`].
    #[test]
    fn every_role_gives_exactly_these_data_actions() {
        let check = |role: &str, expected: &str| {
            let given = |action| by_name(role).is_some_and(|role| role.gives(action));
            let row: String = DataAction::ALL
                .iter()
                .zip("rwdhxivncpsbSIm".chars())
                .map(|(action, letter)| if given(*action) { letter } else { '.' })
                .collect();
            assert_eq!(row, expected, "{role}");
        };
        check("FHIR Data Reader", "r...........SI.");
        check("FHIR Data Writer", "rwd.xivncp..SI.");
        check("FHIR Data Contributor", "rwdhxivncpsbSI.");
        check("FHIR Data Exporter", "r...x.......SI.");
        check("FHIR Data Importer", "r....i......SI.");
        check("FHIR Data Converter", "........c......");
        check("FHIR SMART User", "r...........SIm");
        check("Reader", "...............");
        check("Contributor", "...............");
        check("Owner", "...............");
        check("User Access Administrator", "...............");
        assert_eq!(ROLES.len(), 11);
    }

    #[test]
    fn control_actions_go_by_pattern() {
        let check = |role: &str, action: &str, expected: bool| {
            let given = by_name(role).is_some_and(|role| role.gives_control(action));
            assert_eq!(given, expected, "{role}: {action}");
        };
        let write = "Microsoft.HealthcareApis/workspaces/fhirservices/write";
        let assign = "microsoft.authorization/roleAssignments/write";
        check("Owner", write, true);
        check("Owner", assign, true);
        check("Contributor", write, true);
        check("Contributor", assign, false);
        check("Contributor", "Firekeep/backup/action", false);
        check("Owner", "Firekeep/backup/action", true);
        check("Contributor", "Microsoft.Authorization/roleAssignments/read", true);
        check("Reader", write, false);
        check("Reader", "Microsoft.HealthcareApis/workspaces/READ", true);
        check("User Access Administrator", assign, true);
        check("User Access Administrator", write, false);
        check("FHIR Data Contributor", write, false);
    }

    #[test]
    fn full_names_stand_under_both_prefixes_but_for_the_importer() {
        let full = |role: &str| by_name(role).map(RoleDefinition::data_actions).unwrap_or_default();
        assert_eq!(
            full("fhir data reader"),
            [
                "Microsoft.HealthcareApis/services/fhir/resources/read",
                "Microsoft.HealthcareApis/workspaces/fhirservices/resources/read",
            ]
        );
        assert_eq!(full("FHIR Data Importer").len(), 2);
        let contributor = by_name("FHIR Data Contributor").map(RoleDefinition::not_data_actions);
        assert_eq!(contributor.map(|actions| actions.len()), Some(2));
    }
}
