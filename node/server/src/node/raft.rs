//! The raft thread: drives the replica and hands on what it puts out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use precinto_consensus::{Committed, Input, Output, Replica, Status, WriteTask, settings::TICK_MS};
use precinto_core::LogPort;
use precinto_protocol::identity::NodeId;
use tokio::sync::{oneshot, watch};

use super::owner;

/// Inputs from outside (peers, clients) that may wait for the raft thread. Above it they are
/// refused: peers repeat themselves, clients come back. Inputs of this node's own threads always
/// get in, so that these never wait for each other in a circle.
const MAX_WAITING: usize = 16_384;

/// Inputs taken before the outputs are handed on, so that readies batch.
const MAX_BATCH: usize = 256;

/// Ticks made up for after a pause of the process; more would look like elections lost.
const MAX_TICKS_BEHIND: u32 = 3;

/// What the raft thread is asked.
enum Event {
    Own(Input),
    Outside(Input),
    Read(oneshot::Sender<bool>),
    Stop,
}

/// Hands inputs to the raft thread.
#[derive(Clone)]
pub(super) struct RaftHandle {
    events: mpsc::Sender<Event>,
    waiting: Arc<AtomicUsize>,
    status: watch::Receiver<Arc<Status>>,
}

/// The raft thread has too much to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Busy;

impl RaftHandle {
    /// An input from a thread of this node.
    pub(super) fn own(&self, input: Input) {
        // It fails only when the raft thread has stopped, and then nobody needs it.
        let _ = self.events.send(Event::Own(input));
    }

    /// An input from a peer or client.
    pub(super) fn outside(&self, input: Input) -> Result<(), Busy> {
        self.admit()?;
        self.events.send(Event::Outside(input)).map_err(|_| Busy)
    }

    /// Completes with `true` once this node's ledger reflects everything that was committed before
    /// the call; with `false` if there is no leader to ask.
    pub(super) async fn read_barrier(&self) -> bool {
        let (sender, receiver) = oneshot::channel();
        if self.admit().is_err() || self.events.send(Event::Read(sender)).is_err() {
            return false;
        }
        receiver.await.unwrap_or(false)
    }

    fn admit(&self) -> Result<(), Busy> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Busy);
        }
        Ok(())
    }

    /// The replica's status after its last step.
    pub(super) fn status(&self) -> Arc<Status> {
        self.status.borrow().clone()
    }

    /// Follows the replica's status.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Status>> {
        self.status.clone()
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        // Stopped already: fine.
        let _ = self.events.send(Event::Stop);
    }
}

/// Where the replica's outputs go. None of these may wait for the raft thread.
pub(super) trait Outlet: Send + 'static {
    /// Sends a message to a peer, or drops it; `false` if it was dropped.
    fn send(&mut self, to: NodeId, bytes: Vec<u8>) -> bool;
    /// Hands a task to the log writer.
    fn write(&mut self, task: WriteTask);
    /// Hands an entry to the apply thread.
    fn apply(&mut self, entry: Committed);
    /// Everything else: returned transactions, snapshots, compaction, alarms.
    fn rest(&mut self, output: Output);
}

/// Makes the handle and the inbox of a raft thread that is yet to be started: its outlets need
/// the handle.
pub(super) fn channel(replica: &Replica<LogPort>) -> (RaftHandle, RaftInbox) {
    let (events, inbox) = mpsc::channel();
    let (publish, status) = watch::channel(Arc::new(replica.status()));
    let waiting = Arc::new(AtomicUsize::new(0));
    let handle = RaftHandle { events, waiting: waiting.clone(), status };
    (handle, RaftInbox { inbox, waiting, publish })
}

/// The receiving end of a [`RaftHandle`].
pub(super) struct RaftInbox {
    inbox: mpsc::Receiver<Event>,
    waiting: Arc<AtomicUsize>,
    publish: watch::Sender<Arc<Status>>,
}

impl RaftInbox {
    /// Starts the thread.
    pub(super) fn start(self, replica: Replica<LogPort>, outlet: impl Outlet) {
        owner::spawn("raft", move || Driver::new(self, replica, outlet).run());
    }
}

struct Driver<O> {
    inbox: RaftInbox,
    replica: Replica<LogPort>,
    outlet: O,
    next_tick: Instant,
    next_read: u64,
    reads: std::collections::BTreeMap<u64, oneshot::Sender<bool>>,
}

impl<O: Outlet> Driver<O> {
    fn new(inbox: RaftInbox, replica: Replica<LogPort>, outlet: O) -> Self {
        Driver {
            inbox,
            replica,
            outlet,
            next_tick: Instant::now(),
            next_read: 1,
            reads: Default::default(),
        }
    }

    fn run(mut self) {
        loop {
            self.tick();
            let patience = self.next_tick.saturating_duration_since(Instant::now());
            match self.inbox.inbox.recv_timeout(patience) {
                Ok(event) => {
                    if !self.take(event) {
                        return;
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            for _ in 1..MAX_BATCH {
                let Ok(event) = self.inbox.inbox.try_recv() else { break };
                if !self.take(event) {
                    return;
                }
            }
            self.hand_on();
        }
    }

    fn tick(&mut self) {
        let tick = Duration::from_millis(TICK_MS);
        let now = Instant::now();
        for _ in 0..MAX_TICKS_BEHIND {
            if now < self.next_tick {
                return;
            }
            self.replica.feed(wall_clock_ms(), Input::Tick);
            self.next_tick += tick;
        }
        if now >= self.next_tick {
            self.next_tick = now + tick;
        }
    }

    /// `false` when the thread is to end.
    fn take(&mut self, event: Event) -> bool {
        let now_ms = wall_clock_ms();
        match event {
            Event::Own(input) => self.replica.feed(now_ms, input),
            Event::Outside(input) => {
                self.inbox.waiting.fetch_sub(1, Ordering::Relaxed);
                self.replica.feed(now_ms, input);
            }
            Event::Read(answer) => {
                self.inbox.waiting.fetch_sub(1, Ordering::Relaxed);
                self.reads.insert(self.next_read, answer);
                self.replica.feed(now_ms, Input::Read(self.next_read));
                self.next_read += 1;
            }
            Event::Stop => {
                self.hand_on();
                return false;
            }
        }
        true
    }

    fn hand_on(&mut self) {
        let mut output = self.replica.take_output();
        for (to, bytes) in std::mem::take(&mut output.messages) {
            if !self.outlet.send(to, bytes) {
                self.replica.feed(wall_clock_ms(), Input::Unreachable(to));
            }
        }
        for task in std::mem::take(&mut output.writes) {
            self.outlet.write(task);
        }
        for entry in std::mem::take(&mut output.committed) {
            self.outlet.apply(entry);
        }
        for outcome in std::mem::take(&mut output.reads) {
            if let Some(answer) = self.reads.remove(&outcome.read) {
                // The client went away: fine.
                let _ = answer.send(outcome.ready);
            }
        }
        self.outlet.rest(output);
        let status = self.replica.status();
        self.inbox.publish.send_if_modified(|current| {
            let changed = **current != status;
            if changed {
                *current = Arc::new(status);
            }
            changed
        });
    }
}

/// This node's clock, milliseconds since 1970. Read here for the replica, which stamps blocks with
/// it when it leads and refuses blocks too far ahead of it.
pub(super) fn wall_clock_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = since.map_or(0, |elapsed| elapsed.as_millis() as u64);
    #[cfg(debug_assertions)]
    let now_ms = super::clock::shift::apply(now_ms);
    now_ms
}
