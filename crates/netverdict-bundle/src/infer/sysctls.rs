//! Kernel settings: the file's, then `--set`; without a file, forwarding on.

use crate::{Assumption, BundleError, Subject};

use super::Work;

pub(super) fn infer(work: &mut Work<'_>) -> Result<(), BundleError> {
    let given = work.bundle.sysctls.clone();
    let known = given.is_some();
    let mut sysctls = given.unwrap_or_default();
    let switches = [
        ("net.ipv4.ip_forward", "IPv4"),
        ("net.ipv6.conf.all.forwarding", "IPv6"),
    ];
    let set = |key: &str| {
        let name = |s: &String| s.split_once('=').map(|(k, _)| k.trim().replace('/', "."));
        work.overrides
            .set
            .iter()
            .any(|s| name(s).as_deref() == Some(key))
    };
    let assumed: Vec<_> = switches
        .into_iter()
        .filter(|(key, _)| !known && !set(key))
        .collect();
    for (key, _) in &assumed {
        sysctls.set(&format!("{key}=1")).map_err(BundleError::Set)?;
    }
    for assignment in &work.overrides.set {
        sysctls.set(assignment).map_err(BundleError::Set)?;
    }
    for (key, family) in &assumed {
        work.assume(Assumption::new(
            Subject::Sysctls,
            format!("{family} packets are forwarded"),
            format!("--set {key}=0"),
        ));
    }
    if !known {
        work.assume(Assumption::new(
            Subject::Sysctls,
            "all other settings are the kernel's defaults",
            "sysctl.txt, --set KEY=VALUE",
        ));
    }
    work.facts.sysctls = sysctls;
    Ok(())
}
