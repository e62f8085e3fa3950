//! `az deployment group`: a template in the words of its users, from validation to deletion.

use serde_json::json;

use super::Az;
use crate::server::Server;

/// As people write them: comments, and what is derived left to expressions.
const TEMPLATE: &str = r#"{
  // A gallery and what is on its shelves.
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "gallery": {"type": "string"},
    "count": {"type": "int", "defaultValue": 2, "maxValue": 5},
    "location": {"type": "string", "defaultValue": "[resourceGroup().location]"}
  },
  "variables": {"publisher": "[toLower('EXAMPLE')]"},
  "resources": [
    {
      "type": "Microsoft.Compute/galleries/images", "apiVersion": "2023-07-03",
      "name": "[format('{0}/image{1}', parameters('gallery'), copyIndex())]",
      "location": "[parameters('location')]",
      "copy": {"name": "images", "count": "[parameters('count')]"},
      "dependsOn": ["[resourceId('Microsoft.Compute/galleries', parameters('gallery'))]"],
      "properties": {
        "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2",
        "identifier": {"publisher": "[variables('publisher')]", "offer": "o", "sku": "[concat('s', copyIndex())]"}
      }
    },
    {
      "type": "Microsoft.Compute/galleries", "apiVersion": "2023-07-03", "name": "[parameters('gallery')]",
      "location": "[parameters('location')]", "properties": {"description": "from a template"}
    },
    /* not today */
    {"type": "Microsoft.Compute/galleries", "apiVersion": "2023-07-03", "name": "none", "condition": "[equals(1, 2)]"}
  ],
  "outputs": {
    "id": {"type": "string", "value": "[resourceId('Microsoft.Compute/galleries', parameters('gallery'))]"},
    "said": {"type": "string", "value": "[reference(parameters('gallery')).description]"}
  }
}
"#;

#[test]
fn az_validates_deploys_shows_and_deletes() {
    let az = Az::sign_in(Server::with_defaults());
    az.json("group create -n images -l westeurope");
    let file = az.server.scratch("template.json");
    std::fs::write(&file, TEMPLATE).unwrap();
    let with = format!("-g images -n first --template-file {} --parameters gallery=shelf", file.display());

    let valid = az.json(&format!("deployment group validate {with}"));
    assert_eq!(valid["properties"]["validatedResources"].as_array().unwrap().len(), 3, "{valid}");
    let plan = az.json(&format!("deployment group what-if {with} --no-pretty-print"));
    let kinds: Vec<_> =
        plan["changes"].as_array().unwrap().iter().map(|change| &change["changeType"]).collect();
    assert_eq!(kinds, ["Create", "Create", "Create"], "{plan}");
    assert_eq!(az.json("sig list -g images"), json!([]));

    let made = az.json(&format!("deployment group create {with}"));
    assert_eq!(made["properties"]["provisioningState"], "Succeeded", "{made}");
    assert_eq!(made["properties"]["outputs"]["said"], json!({"type": "String", "value": "from a template"}));
    assert_eq!(
        az.json("sig image-definition list -g images -r shelf --query [].name"),
        json!(["image0", "image1"])
    );
    assert_eq!(az.json("deployment group show -g images -n first"), made);
    assert_eq!(az.json("deployment group list -g images --query [].name"), json!(["first"]));
    let operations =
        az.json("deployment operation group list -g images -n first --query [].properties.provisioningState");
    assert_eq!(operations, json!(["Succeeded", "Succeeded", "Succeeded"]));
    let exported = az.json("deployment group export -g images -n first");
    assert_eq!(exported["variables"], json!({"publisher": "[toLower('EXAMPLE')]"}));

    let again =
        az.json(&format!("deployment group what-if {with} --no-pretty-print --query changes[].changeType"));
    assert_eq!(again, json!(["NoChange", "NoChange", "NoChange"]));
    az.quiet("deployment group delete -g images -n first");
    assert_eq!(az.json("deployment group list -g images"), json!([]));
    assert_eq!(az.json("sig show -g images -r shelf --query name"), "shelf");
}

#[test]
fn az_tells_why_a_deployment_failed() {
    let az = Az::sign_in(Server::with_defaults());
    az.json("group create -n images -l westeurope");
    let file = az.server.scratch("template.json");
    std::fs::write(&file, TEMPLATE).unwrap();
    let said = az.run(&format!(
        "deployment group validate -g images --template-file {} --parameters gallery=shelf count=7",
        file.display()
    ));
    assert!(
        said.err.contains("InvalidTemplate") || said.out.contains("InvalidTemplate"),
        "{} {}",
        said.err,
        said.out
    );
    let network = TEMPLATE.replace("Microsoft.Compute/galleries\", \"apiVersion\": \"2023-07-03\", \"name\": \"none\", \"condition\": \"[equals(1, 2)]\"", "Microsoft.Network/virtualNetworks\", \"apiVersion\": \"2022-01-01\", \"name\": \"net\", \"location\": \"westeurope\"");
    assert_ne!(network, TEMPLATE);
    std::fs::write(&file, network).unwrap();
    let said = az.run(&format!(
        "deployment group create -g images -n second --template-file {} --parameters gallery=shelf",
        file.display()
    ));
    assert_ne!(said.code, Some(0));
    assert!(said.err.contains("NotImplemented"), "{}", said.err);
}
