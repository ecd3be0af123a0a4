//! What a scenario can expect.

use std::collections::BTreeSet;

use precinto_consensus::{Alarm, BlockRefusal, MessageRefusal, StartError};
use precinto_protocol::{
    block::{Block, BlockError},
    identity::NodeId,
};

use super::command::Command;

impl Command<'_> {
    /// Compares what the line expects with what there is.
    pub(super) fn check(&mut self) -> Result<(), String> {
        let id = self.number_or(1, 0);
        let expected = match self.word(0) {
            "assert_same" => return self.check_same(),
            "assert_term_at_most" => return self.check_term(),
            "assert_alarm" => return self.check_alarm(id),
            "assert_leader" => self.word(1).to_owned(),
            "assert_refuses_start" => "lost".to_owned(),
            _ => self.words[2..].join(" "),
        };
        let found = self.found(id);
        if expected == found { Ok(()) } else { Err(format!("expected {expected}, found {found}")) }
    }

    fn found(&mut self, id: NodeId) -> String {
        let yes_or_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        match self.word(0) {
            "assert_leader" => self.cluster.leader().map_or("none".into(), |id| id.to_string()),
            "assert_role" => format!("{:?}", self.cluster.node(id).status().role).to_lowercase(),
            "assert_settled" => yes_or_no(self.cluster.node(id).status().settled),
            "assert_executed" => self.cluster.node(id).transactions().join(" "),
            "assert_group" => self.group(id),
            "assert_blocks" => self.block_times(id).len().to_string(),
            "assert_time_step" => match self.block_times(id)[..] {
                [.., former, last] => (last - former).to_string(),
                _ => "fewer than two blocks".to_owned(),
            },
            "assert_read" => self.read(id),
            "assert_returned" => self.cluster.node(id).returned.len().to_string(),
            "assert_installed" => self.cluster.node(id).installs().to_string(),
            "assert_refuses_start" => match self.cluster.node(id).try_start() {
                Err(StartError::LogLost { .. }) => "lost".to_owned(),
                other => format!("{other:?}"),
            },
            other => panic!("unknown assertion {other}"),
        }
    }

    fn check_term(&self) -> Result<(), String> {
        let running = self.cluster.nodes.iter().filter(|node| node.is_alive());
        match running.map(|node| node.status().term).max() {
            Some(term) if term > self.number(1) => Err(format!("term {term} was reached")),
            _ => Ok(()),
        }
    }

    fn check_alarm(&mut self, id: NodeId) -> Result<(), String> {
        let alarms: Vec<_> = self.cluster.node(id).alarms.iter().map(alarm_name).collect();
        let fits = match self.word(2) {
            "none" => alarms.is_empty(),
            expected => alarms.contains(&expected),
        };
        if fits { Ok(()) } else { Err(format!("found {alarms:?}")) }
    }

    fn check_same(&self) -> Result<(), String> {
        let mut running = self.cluster.nodes.iter().filter(|node| node.is_alive());
        let first = running.next().expect("a node runs");
        match running.find(|node| node.ledger != first.ledger) {
            None => Ok(()),
            Some(node) => Err(format!(
                "node {} executed {} entries, node {} {}",
                first.id,
                first.ledger.len(),
                node.id,
                node.ledger.len(),
            )),
        }
    }

    fn group(&mut self, id: NodeId) -> String {
        let group = &self.cluster.node(id).status().membership;
        let words =
            |ids: &BTreeSet<NodeId>| -> Vec<String> { ids.iter().map(NodeId::to_string).collect() };
        let mut found = words(&group.voters);
        if !group.learners.is_empty() {
            found.push("learners".into());
            found.extend(words(&group.learners));
        }
        found.join(" ")
    }

    fn block_times(&mut self, id: NodeId) -> Vec<u64> {
        let blocks = self.cluster.node(id).ledger.iter().filter(|entry| !entry.block.is_empty());
        let times = blocks.map(|entry| Block::decode(&entry.block).expect("it decodes").time_ms());
        times.collect()
    }

    fn read(&mut self, id: NodeId) -> String {
        let read = self.number(2);
        let answers = &self.cluster.node(id).reads;
        let answer = match answers.iter().find(|outcome| outcome.read == read) {
            None => "open",
            Some(outcome) if outcome.ready => "ready",
            Some(_) => "failed",
        };
        format!("{read} {answer}")
    }
}

fn alarm_name(alarm: &Alarm) -> &'static str {
    match alarm {
        Alarm::Block { reason: BlockRefusal::ClockAhead { .. }, .. } => "clock",
        Alarm::Block { reason: BlockRefusal::Invalid(BlockError::BadSignature), .. } => "signature",
        Alarm::Block { .. } => "block",
        Alarm::Message { reason: MessageRefusal::LogLost { .. }, .. } => "log_lost",
        Alarm::Message { .. } => "message",
        Alarm::Stalled { .. } => "stalled",
    }
}
