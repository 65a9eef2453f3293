//! <https://learn.microsoft.com/azure/azure-stack/user/azure-stack-version-profiles-azurecli2>

use authority::Names;
use serde_json::{Value, json};

/// The shapes of `/metadata/endpoints`: what `Add-AzEnvironment` reads, the array of
/// `ARM_CLOUD_METADATA_URL`, and what `az cloud register` reads.
pub(crate) const VERSIONS: &[&str] = &["1.0", "2019-05-01", "2022-09-01"];

/// The document in the shape of `version`, one of [`VERSIONS`].
pub(crate) fn endpoints(version: &str, names: &Names) -> Value {
    let origin = names.origin.as_str();
    let first = |urls: &[String]| urls.first().map_or_else(|| origin.to_owned(), Clone::clone);
    let (arm, graph) = (first(&names.arm), first(&names.graph));
    if version == "1.0" {
        // `/adfs` keeps PowerShell from asking Microsoft's host whether it knows this authority.
        return json!({
            "galleryEndpoint": origin,
            "graphEndpoint": graph,
            "portalEndpoint": origin,
            "authentication": {
                "loginEndpoint": format!("{origin}/adfs"),
                "audiences": [arm],
            },
        });
    }
    let cloud = json!({
        "name": "Firekeep",
        "portal": origin,
        "gallery": origin,
        "resourceManager": arm,
        "microsoftGraphResourceId": graph,
        "authentication": {
            "loginEndpoint": origin,
            "audiences": [arm],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {},
    });
    if version == "2019-05-01" { json!([cloud]) } else { cloud }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(version: &str) -> Value {
        let origin = "https://localhost:8443".to_owned();
        let names = Names {
            arm: vec![origin.clone()],
            graph: vec![origin.clone()],
            origin,
            ..Names::default()
        };
        endpoints(version, &names)
    }

    #[test]
    fn az_reads_one_object_with_the_login_endpoint_at_the_origin() {
        let cloud = shape("2022-09-01");
        assert_eq!(
            cloud,
            json!({
                "name": "Firekeep",
                "portal": "https://localhost:8443",
                "gallery": "https://localhost:8443",
                "resourceManager": "https://localhost:8443",
                "microsoftGraphResourceId": "https://localhost:8443",
                "authentication": {
                    "loginEndpoint": "https://localhost:8443",
                    "audiences": ["https://localhost:8443"],
                    "tenant": "common",
                    "identityProvider": "AAD",
                },
                "suffixes": {},
            })
        );
        assert_eq!(shape("2019-05-01"), json!([cloud]));
    }

    #[test]
    fn powershell_reads_the_adfs_login_endpoint() {
        assert_eq!(
            shape("1.0"),
            json!({
                "galleryEndpoint": "https://localhost:8443",
                "graphEndpoint": "https://localhost:8443",
                "portalEndpoint": "https://localhost:8443",
                "authentication": {
                    "loginEndpoint": "https://localhost:8443/adfs",
                    "audiences": ["https://localhost:8443"],
                },
            })
        );
    }
}
