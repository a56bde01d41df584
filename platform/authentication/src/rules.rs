//! Which tokens are accepted.

/// Whose tokens are accepted, and how their roles are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRules {
    /// The exact `iss`.
    pub issuer: String,
    /// The exact `aud`, or one of its values.
    pub audience: String,
    /// The claim with the roles, such as `roles` or `realm_access.roles`.
    pub roles_claim: String,
}
