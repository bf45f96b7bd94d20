//! The two calls without a safe wrapper: naming a TUN device, and tying a child's life to ours.
#![expect(
    unsafe_code,
    reason = "TUNSETIFF and code between fork and exec have no safe wrapper"
)]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use netverdict_net::InterfaceName;
use nix::libc;

nix::ioctl_write_ptr_bad!(
    /// Makes the opened `/dev/net/tun` one device of the caller's namespace.
    tunsetiff,
    nix::request_code_write!(b'T', 202, std::mem::size_of::<libc::c_int>()),
    libc::ifreq
);

nix::ioctl_write_int_bad!(
    /// Keeps the device when its descriptor is closed.
    tunsetpersist,
    nix::request_code_write!(b'T', 203, std::mem::size_of::<libc::c_int>())
);

/// Leaves the removal of `file`'s device to the end of its namespace. Namespaces end in batches, in the background;
/// removing one device by closing it waits for tens of milliseconds.
pub(super) fn outlive_descriptor(file: &File) -> nix::Result<()> {
    // SAFETY: the descriptor is open for the whole call, and the argument is a plain number.
    unsafe { tunsetpersist(file.as_raw_fd(), 1) }.map(drop)
}

/// Binds `file`, an open `/dev/net/tun`, to a device of this name, made in the calling thread's namespace.
pub(super) fn set_interface(
    file: &File,
    name: &InterfaceName,
    flags: libc::c_int,
) -> nix::Result<()> {
    // SAFETY: ifreq is plain data, for which all zero bytes are a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (slot, byte) in request.ifr_name.iter_mut().zip(name.as_str().bytes()) {
        *slot = byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = flags as libc::c_short;
    // SAFETY: the descriptor is open for the whole call, and TUNSETIFF reads and writes one ifreq.
    unsafe { tunsetiff(file.as_raw_fd(), &raw const request) }.map(drop)
}

/// Has the kernel kill the child when the thread that starts it ends.
pub(super) fn die_with_parent(command: &mut Command) {
    let set =
        || nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).map_err(Into::into);
    // SAFETY: prctl is async-signal-safe, and the closure neither allocates nor takes a lock.
    unsafe { command.pre_exec(set) };
}
