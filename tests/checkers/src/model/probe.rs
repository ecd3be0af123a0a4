//! What committed calls do: those of `probe`, and those that change identities.

use minicbor::bytes::ByteVec;
use precinto_protocol::{
    cbor,
    governance::{self, Enrol, ReplaceNode, Revoke, Rotate},
    identity::{KeyId, Role},
    registry::{Identity, IdentityStatus},
    state::StateKey,
    statement::Call,
    transaction::Transaction,
};

use super::{Expected, Model, PROBE};

/// What becomes of a call of `probe` whose arguments are well-formed and within the limits.
pub(super) fn expected(call: &Call) -> Expected {
    match call.method.as_str() {
        "set" | "append" => committed::<(ByteVec, ByteVec)>(call),
        "remove" => committed::<(ByteVec,)>(call),
        "set-then-reject" => Expected::Rejected("on-purpose"),
        _ => Expected::Any,
    }
}

fn committed<T>(call: &Call) -> Expected
where
    T: for<'b> minicbor::Decode<'b, ()> + minicbor::Encode<()>,
{
    match cbor::decode::<T>(&call.args) {
        Ok(_) => Expected::Committed,
        Err(_) => Expected::Rejected("bad-arguments"),
    }
}

impl Model {
    /// The effects of a committed transaction.
    pub(super) fn apply(&mut self, transaction: &Transaction, time_ms: u64) {
        let statement = &transaction.statement;
        let call = statement.call();
        if call.contract == PROBE {
            self.apply_probe(call);
        } else if call.contract == governance::CONTRACT {
            let author = self.identities.get(&statement.key_id());
            let member = author.map(|author| author.member.clone()).unwrap_or_default();
            self.apply_governance(call, member, time_ms);
        }
    }

    fn apply_probe(&mut self, call: &Call) {
        let id = self.contract_id(PROBE).expect("a call of an unknown contract is rejected");
        let key = |name: &[u8]| StateKey::new(id).component(name).expect("committed: the key fits");
        match call.method.as_str() {
            "set" => {
                let (name, value): (ByteVec, ByteVec) = args(call);
                self.probe.plain.insert(key(&name), value.into());
            }
            "remove" => {
                let (name,): (ByteVec,) = args(call);
                self.probe.plain.remove(&key(&name));
            }
            "append" => {
                let (name, payload): (ByteVec, ByteVec) = args(call);
                self.probe.record_logs.entry(key(&name)).or_default().push(payload.into());
            }
            _ => {}
        }
    }

    fn apply_governance(&mut self, call: &Call, member: String, now_ms: u64) {
        let enrolled = |public_key, roles, valid_from_ms: u64, valid_until_ms| Identity {
            public_key,
            member,
            roles,
            valid_from_ms: valid_from_ms.max(now_ms),
            valid_until_ms,
            status: IdentityStatus::Active,
        };
        match call.method.as_str() {
            "enrol" => {
                let new: Enrol = args(call);
                let Enrol { public_key, roles, valid_from_ms, valid_until_ms, .. } = new;
                self.enrol(enrolled(public_key, roles, valid_from_ms, valid_until_ms));
            }
            "rotate" => {
                let new: Rotate = args(call);
                let old = self.identities.get_mut(&new.old).expect("committed: it is enrolled");
                old.valid_until_ms = new.old_until_ms.max(now_ms);
                let roles = old.roles.clone();
                self.enrol(enrolled(new.public_key, roles, now_ms, new.valid_until_ms));
            }
            "revoke" => {
                let revoked: Revoke = args(call);
                self.revoke(&revoked.key_id, now_ms);
            }
            "replace-node" => {
                let new: ReplaceNode = args(call);
                let (id, key) = (new.successor.replaces, new.successor.identity_key);
                if let Some(old) = self.node_keys.insert(new.successor.id, key) {
                    unreachable!("node ids are used once: {old:?}");
                }
                let old = self.node_keys.get(&id).copied();
                let old = old.expect("committed: it is registered");
                self.revoke(&KeyId::of(&old), now_ms);
                self.enrol(enrolled(key, vec![Role::Node], now_ms, new.valid_until_ms));
            }
            _ => {}
        }
    }

    fn enrol(&mut self, identity: Identity) {
        self.identities.insert(KeyId::of(&identity.public_key), identity);
    }

    fn revoke(&mut self, key_id: &KeyId, at_ms: u64) {
        let identity = self.identities.get_mut(key_id).expect("committed: it is enrolled");
        if identity.status == IdentityStatus::Active {
            identity.status = IdentityStatus::Revoked { at_ms };
        }
    }
}

/// Arguments of a committed call.
fn args<T>(call: &Call) -> T
where
    T: for<'b> minicbor::Decode<'b, ()> + minicbor::Encode<()>,
{
    cbor::decode(&call.args).expect("committed: its arguments are well-formed")
}
