//! Typed reads of the registry: members, nodes, identities, contracts, parameters.

use minicbor::{Decode, Encode};
use precinto_protocol::{
    cbor,
    identity::{KeyId, NodeId},
    registry::{ContractEntry, Identity, Member, Node, RegistryKey},
    state::{StateKey, StateKeyError},
};

use crate::view::{StateView, ViewError};

/// Entries read from the store at once when a whole kind is listed.
const PAGE: usize = 256;

/// The registry at one height.
///
/// An entry that is not the encoding of what its key names counts as absent: nobody gets a right
/// from it, and no vote can stop a network by writing one.
#[derive(Clone, Copy)]
pub struct Registry<'a>(&'a dyn StateView);

impl<'a> Registry<'a> {
    /// The registry in a state.
    pub fn new(state: &'a dyn StateView) -> Registry<'a> {
        Registry(state)
    }

    /// A member by id.
    ///
    /// # Errors
    /// [`ViewError`], as of all these functions.
    pub fn member(&self, id: &str) -> Result<Option<Member>, ViewError> {
        self.named(RegistryKey::member(id))
    }

    /// All members, by id.
    pub fn members(&self) -> Result<Vec<Member>, ViewError> {
        self.all(&RegistryKey::members())
    }

    /// A node by id.
    pub fn node(&self, id: NodeId) -> Result<Option<Node>, ViewError> {
        self.entry(&RegistryKey::node(id))
    }

    /// All nodes, by id.
    pub fn nodes(&self) -> Result<Vec<Node>, ViewError> {
        self.all(&RegistryKey::nodes())
    }

    /// An identity by key id.
    pub fn identity(&self, id: &KeyId) -> Result<Option<Identity>, ViewError> {
        self.entry(&RegistryKey::identity(id))
    }

    /// At most `limit` identities whose key ids are greater than `after`, by key id.
    pub fn identities(
        &self,
        after: Option<&KeyId>,
        limit: usize,
    ) -> Result<Vec<Identity>, ViewError> {
        let after = after.map(RegistryKey::identity);
        let page = self.0.scan(&RegistryKey::identities(), after.as_ref(), limit)?;
        Ok(page.iter().filter_map(|(_, value)| cbor::decode(value).ok()).collect())
    }

    /// A contract by name.
    pub fn contract(&self, name: &str) -> Result<Option<ContractEntry>, ViewError> {
        self.named(RegistryKey::contract(name))
    }

    /// All contracts, by name.
    pub fn contracts(&self) -> Result<Vec<ContractEntry>, ViewError> {
        self.all(&RegistryKey::contracts())
    }

    /// A parameter by name (see [`precinto_protocol::registry::parameter`]).
    pub fn parameter(&self, name: &str) -> Result<Option<u64>, ViewError> {
        self.named(RegistryKey::parameter(name))
    }

    /// An entry whose name may be too long to be a key, and then is not there.
    fn named<T>(&self, key: Result<StateKey, StateKeyError>) -> Result<Option<T>, ViewError>
    where
        T: for<'b> Decode<'b, ()> + Encode<()>,
    {
        key.map_or(Ok(None), |key| self.entry(&key))
    }

    pub(crate) fn entry<T>(&self, key: &StateKey) -> Result<Option<T>, ViewError>
    where
        T: for<'b> Decode<'b, ()> + Encode<()>,
    {
        Ok(self.0.get(key)?.and_then(|value| cbor::decode(&value).ok()))
    }

    fn all<T>(&self, prefix: &StateKey) -> Result<Vec<T>, ViewError>
    where
        T: for<'b> Decode<'b, ()> + Encode<()>,
    {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self.0.scan(prefix, after.as_ref(), PAGE)?;
            found.extend(page.iter().filter_map(|(_, value)| cbor::decode(value).ok()));
            if page.len() < PAGE {
                return Ok(found);
            }
            after = page.into_iter().last().map(|(key, _)| key);
        }
    }
}
