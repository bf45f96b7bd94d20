//! The shell script that gathers a bundle on a live host.

use std::fmt::Write as _;

use netverdict_net::Family;

use crate::SourceKind;

/// A file that the script writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collected {
    /// Its kind, and so its name and command.
    pub kind: SourceKind,
    /// Whether a host without it is unusual enough for a word.
    pub expected: bool,
}

/// What the script gathers, in order.
pub const COLLECTED: [Collected; 13] = [
    expected(SourceKind::Dump(Family::V4)),
    expected(SourceKind::Dump(Family::V6)),
    optional(SourceKind::Arptables),
    optional(SourceKind::Ebtables),
    optional(SourceKind::Ipset),
    expected(SourceKind::Addresses),
    expected(SourceKind::Routes(Family::V4)),
    expected(SourceKind::Routes(Family::V6)),
    expected(SourceKind::Rules(Family::V4)),
    expected(SourceKind::Rules(Family::V6)),
    optional(SourceKind::Conntrack),
    expected(SourceKind::Sysctl),
    optional(SourceKind::Timeouts),
];

const fn expected(kind: SourceKind) -> Collected {
    Collected {
        kind,
        expected: true,
    }
}

const fn optional(kind: SourceKind) -> Collected {
    Collected {
        kind,
        expected: false,
    }
}

const HEAD: &str = r#"#!/bin/sh
# Gathers a netverdict bundle: what this host's firewall, addresses and routes are now.
# Run it as root, when the capture begins:  sh collect.sh DIR
# It changes nothing but DIR. Each file there is the untouched output of one command.
set -u
umask 077
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin

dir=${1:-netverdict-bundle}
mkdir -p "$dir" || exit 1
[ "$(id -u)" = 0 ] || echo "collect: not root: most of this will be refused" >&2

# gather NEED FILE COMMAND...: a command that is missing, fails or prints nothing leaves no file.
gather() {
    need=$1 file=$2
    shift 2
    if ! command -v "$1" >/dev/null 2>&1; then
        [ "$need" = optional ] || echo "collect: $1 is not installed: $file left out" >&2
        return 0
    fi
    problem=
    if ! "$@" >"$dir/$file.part" 2>"$dir/$file.err"; then
        problem="failed: $(head -n 1 "$dir/$file.err")"
    elif [ -s "$dir/$file.part" ]; then
        mv "$dir/$file.part" "$dir/$file"
    else
        problem="printed nothing"
    fi
    if [ -n "$problem" ] && [ "$need" = expected ]; then
        echo "collect: $file left out: $* $problem" >&2
    fi
    rm -f "$dir/$file.part" "$dir/$file.err"
}

"#;

const TAIL: &str = r#"
if [ -s "$dir/iptables-save" ] || [ -s "$dir/ip6tables-save" ]; then
    echo "collect: bundle in $dir"
else
    echo "collect: no dump was gathered: iptables is not installed, you are not root, or no rules are loaded" >&2
    exit 1
fi
"#;

/// The script, for a POSIX shell. Its argument is the directory to write.
pub fn collect_script() -> String {
    let mut script = HEAD.to_owned();
    for file in COLLECTED {
        let need = if file.expected {
            "expected"
        } else {
            "optional"
        };
        let name = file.kind.file_names().first().copied().unwrap_or_default();
        writeln!(script, "gather {need} {name} {}", file.kind.command())
            .expect("a string takes it");
    }
    script.push_str(TAIL);
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_the_reviewed_one() {
        insta::assert_snapshot!(collect_script());
    }
}
