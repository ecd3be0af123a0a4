//! Identifier equivalence: declarations that an identifier means an operator.

use alloc::{vec, vec::Vec};

use precinto_contract::{Host, Key, Rejection, Result, decode_args, encode_result};
use precinto_protocol::aeo::{Alias, AliasMode, DeclareAlias, Period, RetireAlias};

use crate::{code, fields, keys};

/// Aliases of one operator that one member may declare over time: more than an operator has
/// identifiers. Bounds the answer to the query `aliases`.
pub const MAX_ALIASES_PER_OPERATOR: u32 = 16;

/// Operators that one identifier may mean by one member's declarations over time: an administration
/// may translate one of its identifiers into those of several partners. The bound is each member's
/// own, so that nobody can use up another's, nor make an identifier too costly to look up.
pub const MAX_OPERATORS_PER_ALIAS: u32 = 4;

/// How often one declaration may be made again.
pub const MAX_PERIODS: usize = 16;

/// `declare-alias`: the author's member says that an identifier means an operator.
pub(crate) fn declare(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let args: DeclareAlias = decode_args(args)?;
    let context = host.context();
    let member = fields::author(&context)?.member.clone();
    if args.alias == args.operator {
        return Err(Rejection::new(code::ALIAS_OF_ITSELF, "alias and operator are the same"));
    }
    args.identifier.as_ref().map_or(Ok(()), fields::check_identifier)?;
    check_mode(host, &args, &member)?;
    let key = keys::alias(&args.alias, &member, &args.operator);
    let present: Option<Alias> = host.read(&key)?;
    if present.is_none() {
        check_room(host, &args, &member)?;
    }
    let mut periods = match present {
        Some(open) if open.is_open() => {
            return Err(Rejection::new(
                code::ALIAS_EXISTS,
                "the declaration is in force: retire it before declaring it otherwise",
            ));
        }
        Some(retired) => retired.periods,
        None => vec![],
    };
    if periods.len() >= MAX_PERIODS {
        return Err(too_many("the declaration was made 16 times, the most it may"));
    }
    periods.push(Period { from_ms: context.time_ms, until_ms: None, mode: args.mode });
    host.set(&keys::alias_of(&args.operator, &member, &args.alias), &[]);
    let DeclareAlias { alias, operator, mode, identifier } = args;
    write(
        host,
        &key,
        "aeo.alias-declared",
        &Alias { alias, operator, member, mode, identifier, periods },
    )
}

/// `retire-alias`: the author's member no longer says so.
pub(crate) fn retire(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let RetireAlias { alias, operator } = decode_args(args)?;
    let context = host.context();
    let key = keys::alias(&alias, &fields::author(&context)?.member, &operator);
    let declared: Option<Alias> = host.read(&key)?;
    let mut declared = declared.filter(Alias::is_open).ok_or_else(|| {
        Rejection::new(code::UNKNOWN_ALIAS, "the author's member has no such declaration in force")
    })?;
    if let Some(period) = declared.periods.last_mut() {
        period.until_ms = Some(context.time_ms);
    }
    write(host, &key, "aeo.alias-retired", &declared)
}

fn write(host: &mut dyn Host, key: &Key, topic: &str, alias: &Alias) -> Result<Vec<u8>> {
    host.write(key, alias);
    host.publish(topic, alias);
    encode_result(&())
}

/// Whether the member may speak for the operator: only who authorized it leads others to it.
fn check_mode(host: &dyn Host, args: &DeclareAlias, member: &str) -> Result<()> {
    let granted = keys::of_operator(&args.operator).with(member);
    if args.mode == AliasMode::Receiver || !host.scan(&granted, None, 1).is_empty() {
        return Ok(());
    }
    Err(Rejection::new(
        code::NOT_YOUR_OPERATOR,
        "the author's member authorized no such operator: only mode receiver is open to it",
    ))
}

fn check_room(host: &dyn Host, args: &DeclareAlias, member: &str) -> Result<()> {
    let is_full = |prefix: &Key, max: u32| host.scan(prefix, None, max).len() >= max as usize;
    if is_full(&keys::aliases_of(&args.operator).with(member), MAX_ALIASES_PER_OPERATOR) {
        return Err(too_many("the member declared 16 aliases of this operator, the most it may"));
    }
    if is_full(&keys::meanings(&args.alias).with(member), MAX_OPERATORS_PER_ALIAS) {
        return Err(too_many("the member declared 4 operators of this alias, the most it may"));
    }
    Ok(())
}

fn too_many(message: &str) -> Rejection {
    Rejection::new(code::TOO_MANY_ALIASES, message)
}
