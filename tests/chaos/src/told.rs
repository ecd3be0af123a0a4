//! What clients were told: the history of their operations.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use precinto_checkers::{
    client::{ClientChecker, Execution, Told},
    linear::{self, Interval, Register, RegisterCall},
};
use precinto_client::types::{Status, TransactionAnswer};
use precinto_protocol::transaction::TransactionId;

/// What clients did with a register, with times in microseconds of a [`Book`]. An authorization is a
/// register: of the number that its terms name, if they name one.
pub type Done = Interval<RegisterCall<u64>>;

/// Everything that clients were told, written down as they are told it.
pub struct Book {
    began: Instant,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    statuses: ClientChecker,
    /// How often each node was started again.
    starts: BTreeMap<u64, u64>,
    history: BTreeMap<usize, Vec<Done>>,
    committed: usize,
}

/// A question to a node, before it is answered.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    node: u64,
    starts: u64,
}

impl Book {
    /// An empty one.
    pub fn new() -> Book {
        Book { began: Instant::now(), pages: Mutex::default() }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().expect("a client found a contradiction; it is above")
    }

    /// Microseconds since the book was begun.
    pub fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).expect("a run of less than an age")
    }

    /// A node is asked.
    pub fn ask(&self, node: u64) -> Question {
        Question { node, starts: self.pages().starts.get(&node).copied().unwrap_or_default() }
    }

    /// A node ends now, and starts again: to be said before it ends.
    pub fn restarted(&self, node: u64) {
        let mut pages = self.pages();
        *pages.starts.entry(node).or_default() += 1;
        pages.statuses.restarted(node);
    }

    /// The node answered with a status. One question is open for a transaction at a time.
    pub fn status(&self, question: Question, answer: &TransactionAnswer) {
        let mut pages = self.pages();
        let Question { node, starts } = question;
        let told = told(answer);
        let verdict = pages.statuses.status(node, answer.id, &told);
        // It was told by a process that is gone, and binds the network, not the next process.
        if pages.starts.get(&node).copied().unwrap_or_default() != starts {
            pages.statuses.restarted(node);
        }
        pages.committed += usize::from(answer.status == Status::Committed);
        drop(pages);
        verdict.unwrap_or_else(|violation| panic!("{violation}"));
    }

    /// The node answered from its own state. One such question is open at a time.
    pub fn local_read(&self, question: Question, height: u64) {
        let mut pages = self.pages();
        let Question { node, starts } = question;
        let current = pages.starts.get(&node).copied().unwrap_or_default() == starts;
        let verdict = if current { pages.statuses.local_read(node, height) } else { Ok(()) };
        drop(pages);
        verdict.unwrap_or_else(|violation| panic!("{violation}"));
    }

    /// A client has done something with a register, beginning at a time of [`Book::now`].
    pub fn done(&self, key: usize, invoked: u64, call: RegisterCall<u64>) {
        let returned = Some(self.now());
        let done = Interval { invoked, returned, call };
        self.pages().history.entry(key).or_default().push(done);
    }

    /// How often a client was told that something is committed.
    pub fn committed(&self) -> usize {
        self.pages().committed
    }

    /// Asserts that each register's history since the last call is that of one register, which began without a
    /// number; how many operations that are.
    pub fn assert_linearizable(&self) -> usize {
        let history = std::mem::take(&mut self.pages().history);
        let verdict = linear::check(&Register::default(), &history);
        let checked = verdict.unwrap_or_else(|violation| panic!("{violation}"));
        assert!(checked.undecided.is_empty(), "given up: registers {:?}", checked.undecided);
        checked.calls
    }

    /// Asserts that the ledger has what clients were told, as they were told it, and nothing twice.
    pub fn assert_kept(&self, ledger: impl IntoIterator<Item = (TransactionId, Execution)>) {
        let verdict = self.pages().statuses.ledger(ledger);
        verdict.unwrap_or_else(|violation| panic!("{violation}"));
    }

    /// How many transactions clients know to be final.
    pub fn acknowledged(&self) -> usize {
        self.pages().statuses.acknowledged()
    }

    /// The history since it was last checked, one operation per line; also after a client has failed.
    pub fn text(&self) -> String {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::from("key invoked_us returned_us call\n");
        for (key, operations) in &pages.history {
            for Interval { invoked, returned, call } in operations {
                let returned = returned.unwrap_or(u64::MAX);
                let _ = writeln!(text, "{key} {invoked} {returned} {call:?}");
            }
        }
        text
    }
}

impl Default for Book {
    fn default() -> Book {
        Book::new()
    }
}

fn told(answer: &TransactionAnswer) -> Told {
    match answer.status {
        Status::Unknown => Told::Unknown,
        Status::Pending => Told::Pending,
        Status::Expired => Told::Expired,
        Status::Committed | Status::Rejected => Told::Executed(Execution {
            height: answer.height.expect("what was executed has a height"),
            index: answer.index,
            rejected: rejected(answer.status, answer.code.as_deref()),
        }),
    }
}

/// The code of a rejection, with which it must be the same everywhere.
pub(crate) fn rejected(status: Status, code: Option<&str>) -> Option<String> {
    (status == Status::Rejected).then(|| code.unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use precinto_protocol::hash::Hash;

    use super::*;

    const ID: TransactionId = TransactionId(Hash([7; 32]));

    fn answer(status: Status) -> TransactionAnswer {
        let height = status.is_final().then_some(5);
        TransactionAnswer {
            id: ID,
            status,
            code: None,
            message: None,
            height,
            index: None,
            time_ms: None,
            leaf: None,
            fuel: None,
            result: None,
            author: None,
            member: None,
            call: None,
        }
    }

    fn panics(work: impl FnOnce() + std::panic::UnwindSafe) -> bool {
        catch_unwind(work).is_err()
    }

    #[test]
    fn a_status_that_is_taken_back_is_found_unless_the_node_has_started_again() {
        let told = |restart: Option<bool>| {
            let book = Book::new();
            let question = book.ask(1);
            if restart == Some(false) {
                book.restarted(1);
            }
            book.status(question, &answer(Status::Committed));
            if restart == Some(true) {
                book.restarted(1);
            }
            book.status(book.ask(1), &answer(Status::Pending));
        };
        assert!(panics(|| told(None)));
        told(Some(true));
        // The answer was on its way while the node ended.
        told(Some(false));
    }

    #[test]
    fn an_acknowledged_transaction_that_is_not_in_the_ledger_is_found() {
        let book = Book::new();
        book.status(book.ask(1), &answer(Status::Committed));
        let there = Execution { height: 5, index: Some(0), rejected: None };
        book.assert_kept([(ID, there)]);
        assert!(panics(std::panic::AssertUnwindSafe(|| book.assert_kept([]))));
    }

    #[test]
    fn a_stale_read_is_found_and_concurrent_ones_are_not_held_against_anybody() {
        let history = |late: bool| {
            let book = Book::new();
            let began = book.now();
            book.done(0, began, RegisterCall::Write(Some(1)));
            let invoked = if late { book.now() + 1 } else { began };
            while book.now() <= invoked {}
            book.done(0, invoked, RegisterCall::Read(None));
            book.assert_linearizable()
        };
        assert_eq!(history(false), 2);
        assert!(panics(|| {
            history(true);
        }));
    }

    #[test]
    fn local_answers_of_one_process_go_forward() {
        let book = Book::new();
        book.local_read(book.ask(1), 9);
        let question = book.ask(1);
        book.restarted(1);
        book.local_read(question, 9);
        book.local_read(book.ask(1), 3);
        assert!(panics(std::panic::AssertUnwindSafe(|| book.local_read(book.ask(1), 2))));
    }
}
