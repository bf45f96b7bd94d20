//! How often the host tells its peers of errors and better ways: the token bucket of each peer, and that of the whole
//! host (`inet_peer_xrlim_allow`, `icmp_global_allow`, `ip_rt_send_redirect`).

use std::net::IpAddr;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use netverdict_host::Host;
use netverdict_net::{Family, Jiffies};

use super::Rewind;
use super::journal::Journal;
use crate::Config;

/// A full bucket holds so many errors.
const BURST: i64 = 6;
/// So many redirects without effect, and the host gives up.
const REDIRECTS: u32 = 9;
/// Beyond so many peers those are forgotten whose bucket is full again: nothing is lost with them.
const MANY: usize = 1 << 16;

/// What the sysctls say, in ticks.
#[derive(Debug, Clone, Copy, Default)]
struct Limits {
    hz: i64,
    /// Ticks between two errors to one peer, by family.
    timeout: [i64; 2],
    /// Which IPv4 types are limited, a bit each. IPv6 limits all errors but "too big".
    mask_v4: i64,
    per_second: i64,
    burst: i64,
}

/// What the host keeps of one peer (`struct inet_peer`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Peer {
    tokens: i64,
    last: i64,
    redirects: u32,
}

impl Peer {
    /// Takes what one message costs (`inet_peer_xrlim_allow`).
    fn spend(&mut self, timeout: i64, now: Jiffies) -> bool {
        let refilled = (self.tokens + now.0 - self.last).min(BURST * timeout);
        let allowed = refilled >= timeout;
        self.tokens = if allowed {
            refilled - timeout
        } else {
            refilled
        };
        self.last = now.0;
        allowed
    }
}

/// The bucket of the whole host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Global {
    credit: i64,
    stamp: Option<i64>,
}

/// Every peer that was told something of late.
#[derive(Debug)]
pub(crate) struct Peers {
    limits: Limits,
    global: Global,
    global_before: Global,
    /// Whether anybody was told anything, or would have been.
    is_used: bool,
    peers: HashMap<IpAddr, Peer, FixedState>,
    journal: Journal<(IpAddr, Option<Peer>)>,
}

impl Default for Peers {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            global: Global::default(),
            global_before: Global::default(),
            is_used: false,
            peers: HashMap::with_hasher(FixedState::with_seed(0)),
            journal: Journal::default(),
        }
    }
}

impl Peers {
    /// Full buckets under the host's settings.
    pub(crate) fn for_host(host: &Host, config: &Config) -> Self {
        let number = |path: &str, default: i64| {
            let text = host.sysctls().text(path);
            text.and_then(|t| t.trim().parse().ok()).unwrap_or(default)
        };
        let hz = i64::from(config.hz.max(1));
        // Milliseconds, rounded up to whole ticks as the sysctl does.
        let ticks = |path, default| (number(path, default).max(0) * hz + 999) / 1000;
        Self {
            limits: Limits {
                hz,
                timeout: [
                    ticks("net/ipv4/icmp_ratelimit", 1000),
                    ticks("net/ipv6/icmp/ratelimit", 100),
                ],
                mask_v4: number("net/ipv4/icmp_ratemask", 6168),
                per_second: number("net/ipv4/icmp_msgs_per_sec", 1000),
                burst: number("net/ipv4/icmp_msgs_burst", 50),
            },
            ..Self::default()
        }
    }

    /// Whether anybody was told anything, or would have been.
    pub(crate) const fn is_used(&self) -> bool {
        self.is_used
    }

    /// Whether an ICMP error of this type may be sent to a peer now; it then counts as sent. Of the global bucket the
    /// kernel takes 0, 1 or 2 at random; here it is 1.
    pub(crate) fn allow_error(
        &mut self,
        peer: IpAddr,
        (kind, code): (u8, u8),
        loopback: bool,
        now: Jiffies,
    ) -> bool {
        self.is_used = true;
        let family = Family::of(peer);
        let limited = match family {
            Family::V4 => {
                kind <= 18 && (kind, code) != (3, 4) && self.limits.mask_v4 >> kind & 1 == 1
            }
            Family::V6 => kind != 2,
        };
        let timeout = self.limits.timeout[usize::from(family == Family::V6)];
        if !limited || timeout == 0 && family == Family::V6 {
            return true;
        }
        if !self.global_credit(now) {
            return false;
        }
        if loopback {
            return true;
        }
        let mut found = self.peer(peer, now);
        let allowed = found.spend(timeout, now);
        self.keep(peer, found, now);
        if allowed {
            self.global.credit = (self.global.credit - 1).max(0);
        }
        allowed
    }

    /// Whether a peer may be told of a better way now; it then counts as told.
    pub(crate) fn allow_redirect(&mut self, peer: IpAddr, now: Jiffies) -> bool {
        self.is_used = true;
        let load = self.limits.hz / 50;
        let mut found = self.peer(peer, now);
        if now.0 > found.last + (load << (REDIRECTS + 1)) {
            (found.tokens, found.redirects) = (0, 0);
        }
        let worn_out = found.redirects >= REDIRECTS;
        let due = found.redirects == 0 || now.0 > found.last + (load << found.redirects);
        if worn_out || due {
            found.last = now.0;
        }
        let allowed = due && !worn_out;
        found.redirects += u32::from(allowed);
        self.keep(peer, found, now);
        allowed
    }

    /// Whether a peer may be told by neighbour discovery now, once a second and in bursts; it then counts as told.
    pub(crate) fn allow_discovery(&mut self, peer: IpAddr, now: Jiffies) -> bool {
        self.is_used = true;
        let mut found = self.peer(peer, now);
        let allowed = found.spend(self.limits.hz, now);
        self.keep(peer, found, now);
        allowed
    }

    fn global_credit(&mut self, now: Jiffies) -> bool {
        if self.global.credit > 0 {
            return true;
        }
        let hz = self.limits.hz;
        let passed = self.global.stamp.map_or(hz, |at| (now.0 - at).min(hz));
        let more = self.limits.per_second * passed / hz;
        if passed < hz / 50 || more == 0 {
            return false;
        }
        self.global = Global {
            credit: (self.global.credit + more).min(self.limits.burst),
            stamp: Some(now.0),
        };
        true
    }

    fn peer(&self, address: IpAddr, now: Jiffies) -> Peer {
        let known = self.peers.get(&address).copied();
        known.unwrap_or(Peer {
            tokens: 0,
            last: now.0 - 60 * self.limits.hz,
            redirects: 0,
        })
    }

    fn keep(&mut self, address: IpAddr, peer: Peer, now: Jiffies) {
        let old = self.peers.insert(address, peer);
        self.journal.note(|| (address, old));
        if self.peers.len() > MANY && self.peers.len() == self.peers.capacity() {
            self.forget_idle(now);
        }
    }

    /// Forgets peers that are as good as new, before the map would grow.
    fn forget_idle(&mut self, now: Jiffies) {
        let idle = 60 * self.limits.hz;
        let journal = &mut self.journal;
        self.peers.retain(|address, peer| {
            let keep = now.0 - peer.last < idle;
            if !keep {
                journal.note(|| (*address, Some(*peer)));
            }
            keep
        });
    }
}

impl Rewind for Peers {
    fn checkpoint(&mut self) {
        self.global_before = self.global;
        self.journal.start();
    }

    fn rollback(&mut self) {
        self.global = self.global_before;
        for (address, before) in self.journal.take().into_iter().rev() {
            match before {
                Some(peer) => self.peers.insert(address, peer),
                None => self.peers.remove(&address),
            };
        }
    }

    fn commit(&mut self) {
        self.journal.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netverdict_host::HostFacts;

    fn peers() -> Peers {
        let facts = HostFacts::default();
        Peers::for_host(&Host::new(facts), &Config::default())
    }

    fn v4(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_peer_gets_six_errors_at_once_and_then_one_a_second() {
        let mut peers = peers();
        let mut sent = |at| peers.allow_error(v4(1), (3, 3), false, Jiffies(at));
        assert_eq!((0..9).filter(|_| sent(0)).count(), 6);
        assert_eq!((0..9).filter(|_| sent(249)).count(), 0);
        assert_eq!((0..9).filter(|_| sent(500)).count(), 2);
    }

    #[test]
    fn too_big_is_always_told() {
        let mut peers = peers();
        let v6 = "2001:db8::1".parse().unwrap();
        for _ in 0..100 {
            assert!(peers.allow_error(v4(1), (3, 4), false, Jiffies(0)));
            assert!(peers.allow_error(v6, (2, 0), false, Jiffies(0)));
        }
        assert_eq!(
            (0..9)
                .filter(|_| peers.allow_error(v6, (1, 4), false, Jiffies(0)))
                .count(),
            6
        );
    }

    #[test]
    fn all_peers_together_get_fifty_at_once() {
        let mut peers = peers();
        let mut sent = |at: i64| {
            (0..200u8)
                .filter(|n| peers.allow_error(v4(*n), (3, 3), false, Jiffies(at)))
                .count()
        };
        assert_eq!(sent(0), 50);
        assert_eq!(sent(1), 0);
        assert_eq!(sent(6), 24);
    }

    #[test]
    fn redirects_back_off_and_stop() {
        let mut peers = peers();
        let told: Vec<i64> = (0..4000)
            .filter(|at| peers.allow_redirect(v4(1), Jiffies(*at)))
            .collect();
        assert_eq!(told[..4], [0, 11, 32, 73]);
        assert_eq!(told.len(), 9);
        assert!(peers.allow_redirect(v4(1), Jiffies(4000 + (5 << 10) + 1)));
    }

    #[test]
    fn rollback_gives_tokens_back() {
        let mut peers = peers();
        peers.checkpoint();
        for _ in 0..6 {
            peers.allow_error(v4(1), (3, 3), false, Jiffies(0));
        }
        peers.rollback();
        assert!(peers.allow_error(v4(1), (3, 3), false, Jiffies(0)));
    }
}
