//! A network namespace that nobody else can see, held by one thread and gone with it.

use std::fs;
use std::marker::PhantomData;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use nix::sched::{CloneFlags, unshare};

use crate::RigError;

/// Proof that the calling thread lives in a network namespace made for it. Nothing names that namespace: it ends with
/// the thread and the descriptors opened in it, however they end.
#[derive(Debug)]
pub struct Namespace {
    bound_to_thread: PhantomData<*const ()>,
}

impl Namespace {
    /// Runs `work` on a thread of its own inside a fresh namespace.
    pub fn isolated<R: Send>(
        work: impl FnOnce(&Self) -> Result<R, RigError> + Send,
    ) -> Result<R, RigError> {
        std::thread::scope(|scope| {
            let inside = std::thread::Builder::new()
                .name("namespace".to_owned())
                .spawn_scoped(scope, || Self::enter().and_then(|ns| work(&ns)))
                .map_err(RigError::io("starting a thread"))?;
            inside
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn enter() -> Result<Self, RigError> {
        let before = current()?;
        unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| match errno {
            nix::Error::EPERM => RigError::NotRoot(errno),
            other => RigError::system("unshare")(other),
        })?;
        if current()? == before {
            return Err(RigError::MissingFeature {
                what: "network namespaces",
                message: "unshare left the thread where it was".to_owned(),
            });
        }
        Ok(Self {
            bound_to_thread: PhantomData,
        })
    }

    /// Sets a sysctl of this namespace, named as `sysctl -a` prints it (`net.ipv4.conf.eth0/100.rp_filter`). `false` if
    /// it differs and this kernel has none, or does not let a namespace set it so.
    pub fn set_sysctl(&self, key: &str, value: &str) -> bool {
        let path = sysctl_path(key);
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        match fs::read_to_string(&path) {
            Ok(now) if words(&now) == words(value) => true,
            Ok(_) => fs::write(path, value).is_ok(),
            // What cannot be read is an action (`route.flush`), not a setting.
            Err(_) => false,
        }
    }
}

/// Waits until the addresses have their local routes: the kernel adds those of IPv6 in the background, even without
/// duplicate address detection (`addrconf_dad_work`).
pub(crate) fn await_addresses(_inside: &Namespace, addresses: &[Ipv6Addr]) -> Result<(), RigError> {
    const LOCAL: u32 = 0x8000_0000;
    const PATIENCE: u32 = 2000;
    let hosts: Vec<String> = addresses
        .iter()
        .map(|a| format!("{:032x} 80 ", a.to_bits()))
        .collect();
    for _ in 0..PATIENCE {
        let table = fs::read_to_string("/proc/thread-self/net/ipv6_route")
            .map_err(RigError::io("/proc/thread-self/net/ipv6_route"))?;
        let is_local = |line: &&str| {
            let flags = line.split_whitespace().nth(8);
            flags
                .and_then(|f| u32::from_str_radix(f, 16).ok())
                .unwrap_or(0)
                & LOCAL
                != 0
        };
        let local: Vec<&str> = table.lines().filter(is_local).collect();
        let there = |host: &String| local.iter().any(|line| line.starts_with(host));
        if hosts.iter().all(there) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Err(RigError::Host("IPv6 addresses do not come up".to_owned()))
}

fn current() -> Result<PathBuf, RigError> {
    fs::read_link("/proc/thread-self/ns/net").map_err(RigError::io("/proc/thread-self/ns/net"))
}

/// sysctl(8) swaps dots and slashes, so that an interface name with a dot stays one component.
fn sysctl_path(key: &str) -> PathBuf {
    let mut path = PathBuf::from("/proc/sys");
    path.extend(key.split('.').map(|part| part.replace('/', ".")));
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_in_an_interface_name_is_a_slash_in_its_sysctl() {
        assert_eq!(
            sysctl_path("net.ipv4.conf.eth0/100.rp_filter"),
            PathBuf::from("/proc/sys/net/ipv4/conf/eth0.100/rp_filter")
        );
    }
}
