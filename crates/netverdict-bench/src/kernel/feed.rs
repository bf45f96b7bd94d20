//! Inside a namespace: a router, its rules, and packets sent into it as fast as one core can.

#![expect(clippy::disallowed_methods, reason = "measuring needs a clock")]

use std::fs;
use std::io::IoSlice;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use netverdict_capture::{CaptureReader, Input};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, MultiHeaders, SockFlag, SockType, bind, sendmmsg, socket,
};
use nix::unistd::Pid;

use super::Fed;
use crate::error::Error;

/// Messages of one system call.
const AT_ONCE: usize = 64;
/// How long packets may take to come out behind the last one sent.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends a capture through the netfilter of this network namespace.
#[derive(Debug, Args)]
pub(crate) struct Feed {
    /// What iptables-legacy-restore loads.
    dump: PathBuf,
    capture: PathBuf,
    #[arg(long)]
    packets: u64,
}

/// Sets the namespace up, sends, and prints what it took as JSON.
pub(crate) fn run(feed: &Feed) -> Result<(), Error> {
    let links = fs::read_to_string("/proc/net/dev")?;
    if links
        .lines()
        .skip(2)
        .any(|l| !l.trim_start().starts_with("lo:"))
    {
        return Err(Error::other(
            "this network namespace has devices: start this in one of its own",
        ));
    }
    set_up(feed)?;
    let frames = frames(feed)?;
    stay_on_one_core()?;
    let before = forwarded()?;
    let begin = Instant::now();
    send(&frames)?;
    let mut seconds = begin.elapsed().as_secs_f64();
    // All is forwarded before the last call returns, unless the kernel put some of it off.
    while forwarded()? - before < frames.len() as u64 {
        if begin.elapsed() > Duration::from_secs_f64(seconds) + PATIENCE {
            let out = forwarded()? - before;
            return Err(Error::other(format!(
                "of {} packets {out} came out",
                frames.len()
            )));
        }
        seconds = begin.elapsed().as_secs_f64();
    }
    let fed = Fed {
        packets: frames.len() as u64,
        seconds,
    };
    let json = serde_json::to_string(&fed).map_err(std::io::Error::other)?;
    #[expect(
        clippy::print_stdout,
        reason = "read by the measurement that started this"
    )]
    {
        println!("{json}");
    }
    Ok(())
}

fn set_up(feed: &Feed) -> Result<(), Error> {
    for (key, value) in [
        ("ipv6/conf/all/disable_ipv6", "1"),
        ("ipv6/conf/default/disable_ipv6", "1"),
        ("ipv4/ip_forward", "1"),
        ("ipv4/conf/all/rp_filter", "0"),
        ("ipv4/conf/default/rp_filter", "0"),
    ] {
        // A kernel without IPv6 has no IPv6 to switch off.
        if let Err(error) = fs::write(format!("/proc/sys/net/{key}"), value)
            && !key.starts_with("ipv6")
        {
            return Err(error.into());
        }
    }
    for line in [
        "link set lo up",
        "link add feed type veth peer name eth0",
        "link set eth0 address 02:00:00:00:00:01",
        "link set feed up",
        "link set eth0 up",
        "addr add 203.0.113.1/24 dev eth0",
        "tuntap add dev sink mode tun",
        "link set sink up",
        "route add default dev sink",
    ] {
        let output = Command::new("ip").args(line.split(' ')).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Error::other(format!("ip {line}: {said}")));
        }
    }
    let loaded = Command::new("iptables-legacy-restore")
        .stdin(Stdio::from(fs::File::open(&feed.dump)?))
        .output()?;
    if loaded.status.success() {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&loaded.stderr);
        Err(Error::other(format!("iptables-legacy-restore: {said}")))
    }
}

fn frames(feed: &Feed) -> Result<Vec<Vec<u8>>, Error> {
    let broken = |e| Error::other(format!("{}: {e}", feed.capture.display()));
    let mut reader = CaptureReader::open(&Input::Path(feed.capture.clone())).map_err(broken)?;
    let mut frames = Vec::new();
    while let Some(chunk) = reader.next_chunk().map_err(broken)? {
        for frame in chunk.frames() {
            if frames.len() as u64 == feed.packets {
                return Ok(frames);
            }
            frames.push(frame.data.to_vec());
        }
    }
    Ok(frames)
}

fn stay_on_one_core() -> Result<(), Error> {
    let here = || -> nix::Result<()> {
        let mut cores = CpuSet::new();
        cores.set(0)?;
        sched_setaffinity(Pid::from_raw(0), &cores)
    };
    here().map_err(|e| Error::other(format!("cannot stay on one core: {e}")))
}

/// Writes all frames to the link whose other end is the router's.
fn send(frames: &[Vec<u8>]) -> Result<(), Error> {
    let broken = |what: &str| {
        let what = what.to_owned();
        move |e: nix::Error| Error::other(format!("{what}: {e}"))
    };
    let socket = socket(
        AddressFamily::Packet,
        SockType::Raw,
        SockFlag::empty(),
        None,
    )
    .map_err(broken("socket"))?;
    let link = nix::ifaddrs::getifaddrs()
        .map_err(broken("getifaddrs"))?
        .filter(|i| i.interface_name == "feed")
        .find_map(|i| i.address?.as_link_addr().copied())
        .ok_or_else(|| Error::other("the link `feed` has no address"))?;
    bind(socket.as_raw_fd(), &link).map_err(broken("bind"))?;
    let mut headers = MultiHeaders::<LinkAddr>::preallocate(AT_ONCE, None);
    let nowhere = [None::<LinkAddr>; AT_ONCE];
    let mut left = frames;
    while !left.is_empty() {
        let some = left.get(..AT_ONCE).unwrap_or(left);
        let slices: Vec<[IoSlice<'_>; 1]> = some.iter().map(|f| [IoSlice::new(f)]).collect();
        let sent = sendmmsg(
            socket.as_raw_fd(),
            &mut headers,
            &slices,
            nowhere,
            [],
            MsgFlags::empty(),
        )
        .map_err(broken("sendmmsg"))?
        .count();
        left = left.get(sent..).unwrap_or_default();
    }
    Ok(())
}

/// Datagrams that this namespace forwarded since it began.
fn forwarded() -> Result<u64, Error> {
    let text = fs::read_to_string("/proc/net/snmp")?;
    let mut lines = text.lines().filter_map(|l| l.strip_prefix("Ip: "));
    let (names, values) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    let pair = names
        .split(' ')
        .zip(values.split(' '))
        .find(|(name, _)| *name == "ForwDatagrams");
    pair.and_then(|(_, value)| value.parse().ok())
        .ok_or_else(|| Error::other("/proc/net/snmp does not count forwarded datagrams"))
}
