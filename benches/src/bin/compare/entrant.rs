//! The libraries that take turns at a workload.

use crate::peers::Peers;
use benches::times::Times;
use benches::{Peer, Repeats, Step, Workload, with_all_threads};

/// One library at one workload, and its times so far.
pub(crate) struct Entrant {
    pub(crate) workload: &'static Workload,
    pub(crate) times: Times,
    runner: Runner,
    /// Whether it failed. Then it takes no more turns.
    failed: bool,
}

enum Runner {
    Ours(Step),
    Theirs(Peer),
}

impl Entrant {
    /// Our library first, then each peer.
    pub(crate) fn all(workload: &'static Workload) -> Vec<Self> {
        let ours = Runner::Ours((workload.prepare)());
        let theirs = workload.peers.iter().map(|&peer| Runner::Theirs(peer));
        let enter = |runner| Self { workload, times: Times::default(), runner, failed: false };
        std::iter::once(ours).chain(theirs).map(enter).collect()
    }

    /// The peer, or `None` for our own library.
    pub(crate) fn peer(&self) -> Option<Peer> {
        match self.runner {
            Runner::Ours(_) => None,
            Runner::Theirs(peer) => Some(peer),
        }
    }

    /// The runs of one round. After the last round a peer may drop its inputs.
    pub(crate) fn take_turn(&mut self, repeats: Repeats, last: bool, peers: &mut Peers) {
        if self.failed {
            return;
        }
        let times = match &mut self.runner {
            Runner::Ours(step) => with_all_threads(|| Times::of(repeats, step)),
            Runner::Theirs(peer) => peers.measure(self.workload.name, *peer, repeats, last),
        };
        self.failed = times.median().is_none();
        self.times.extend(times);
    }
}
