//! What a resource group may be called.

use crate::Rejection;

const LONGEST_NAME: usize = 90;

/// 1 to 90 letters, digits, `_ - . ( )`, not ending in a period (azure-api 14).
pub(super) fn name_is_allowed(name: &str) -> Result<(), Rejection> {
    let refused =
        |message: String| Err(Rejection::new(400, "InvalidResourceGroup", message).at("resourceGroup.name"));
    let strange: String = name.chars().filter(|c| !is_allowed(*c)).take(16).collect();
    if !strange.is_empty() {
        return refused(format!(
            "The provided resource group name '{}' has these invalid characters: '{strange}'. The name can only be a letter, digit, '-', '.', '(', ')' or '_'.",
            name.chars().take(LONGEST_NAME).collect::<String>()
        ));
    }
    if name.is_empty() || name.len() > LONGEST_NAME {
        return refused(format!(
            "The provided resource group name has {} characters. It must have between 1 and {LONGEST_NAME}.",
            name.len()
        ));
    }
    if name.ends_with('.') {
        return refused(format!("The provided resource group name '{name}' must not end with a period."));
    }
    Ok(())
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '(' | ')')
}
