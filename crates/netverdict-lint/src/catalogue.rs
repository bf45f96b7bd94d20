//! Every kind of finding there is, with its page.

use crate::Severity;

/// One kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Stable: `NV101`.
    pub id: &'static str,
    /// Stable: `covered-rule`.
    pub name: &'static str,
    /// What it is usually worth.
    pub severity: Severity,
    /// In one line.
    pub summary: &'static str,
    /// `docs/findings/NV101.md`.
    pub page: &'static str,
}

macro_rules! catalogue {
    ($($constant:ident $id:literal $name:literal $severity:ident $summary:literal;)*) => {
        $(
            #[doc = $summary]
            pub const $constant: &Check = &Check {
                id: $id,
                name: $name,
                severity: Severity::$severity,
                summary: $summary,
                page: include_str!(concat!("../../../docs/findings/", $id, ".md")),
            };
        )*

        /// All of them, by id.
        pub const CATALOGUE: &[&Check] = &[$($constant),*];
    };
}

catalogue! {
    ALLOW_WITHOUT_REASON "NV001" "allow-without-reason" Warning "A finding is allowed, but nothing says why";
    ALLOW_UNUSED "NV002" "unused-allow" Note "Something is allowed that is not found";
    NOT_ANALYSED "NV003" "not-analysed" Warning "A table is too complex to find its dead rules";
    COVERED "NV101" "covered-rule" Warning "No packet gets to match: earlier rules take all of them";
    NEVER_TRUE "NV102" "contradictory-rule" Warning "The rule's own tests exclude each other";
    AFTER_VERDICT "NV103" "after-verdict" Warning "Rules behind one that lets no packet by";
    UNREACHABLE_CHAIN "NV104" "unreachable-chain" Warning "Rules lead to the chain, but no packet comes";
    UNREFERENCED_CHAIN "NV105" "unreferenced-chain" Note "No rule leads to the chain";
    REDUNDANT "NV106" "redundant-rule" Note "Without the rule every packet would fare the same";
    FOREIGN "NV107" "foreign-rule" Warning "No packet that comes into the chain is one that the rule is about";
    INPUT_OPEN "NV201" "input-policy-accept" Warning "What no rule stops may come in";
    FORWARD_OPEN "NV202" "forward-policy-accept" Warning "What no rule stops is forwarded";
    MANAGEMENT_OPEN "NV203" "open-management-port" Warning "A management port is open to everybody";
    NO_ESTABLISHED "NV204" "no-established-rule" Error "Answers to the host's own connections are dropped";
    LOOPBACK_BY_ADDRESS "NV205" "loopback-by-address" Warning "Loopback traffic is told by its address, not by its interface";
    NAT_WITHOUT_FILTER "NV206" "nat-without-filter" Warning "Addresses are translated, but nothing filters what is forwarded";
    ASYMMETRIC "NV207" "asymmetric-families" Warning "IPv4 is filtered, IPv6 is not, or the other way round";
    DOCKER_BYPASS "NV208" "docker-bypasses-input" Warning "Docker's published ports do not pass INPUT";
    RELATED_HELPERS "NV209" "related-without-helper" Note "RELATED lets in whatever a helper announces";
    LOG_UNLIMITED "NV210" "unlimited-log" Note "Anybody can fill the log";
    SET_EMPTY "NV211" "empty-set" Note "A rule asks a set that is empty";
    SET_MISSING "NV212" "missing-set" Error "A rule asks a set that the host does not have";
    NEIGHBOURS_BLOCKED "NV213" "neighbour-discovery-blocked" Error "IPv6 cannot work: neighbour discovery is dropped";
    ICMP_ERRORS_BLOCKED "NV214" "icmp-errors-blocked" Warning "Path MTU discovery cannot work: ICMP errors are dropped";
    ACCEPT_ALL "NV215" "accept-all" Warning "A rule without any test accepts everything";
    STOPPED_BUT_ANSWERED "NV301" "stopped-but-answered" Error "The rules stop a packet that the capture shows answered";
    STOPPED_BUT_LEFT "NV302" "stopped-but-left" Error "The rules stop a packet that the capture shows leaving";
    FORWARDED_BUT_LOST "NV303" "forwarded-but-lost" Warning "The rules forward packets that never leave in the capture";
    LEFT_OTHERWISE "NV304" "left-otherwise" Error "A packet leaves with another header than the rules give it";
    LEFT_ELSEWHERE "NV305" "left-elsewhere" Warning "A packet leaves by another interface than the routes say";
    ACCEPTED_BUT_REFUSED "NV306" "accepted-but-refused" Warning "The rules accept a packet that the host refuses in the capture";
    COUNTERS_DISAGREE "NV307" "counters-disagree" Warning "The dump's counters are not what the capture makes of them";
    NEVER_EXERCISED "NV401" "never-exercised" Note "The capture has no packet that the rule matches";
    CHAIN_NOT_ENTERED "NV402" "chain-not-entered" Note "The capture has no packet that comes into the chain";
}

/// The kind of that id, letters in any case.
pub fn find(id: &str) -> Option<&'static Check> {
    CATALOGUE
        .iter()
        .copied()
        .find(|check| check.id.eq_ignore_ascii_case(id) || check.name.eq_ignore_ascii_case(id))
}

impl Check {
    /// Where its page is, in the repository.
    pub fn path(&self) -> String {
        format!("docs/findings/{}.md", self.id)
    }

    /// Whether only a capture leads to it.
    pub fn needs_capture(&self) -> bool {
        self.id >= STOPPED_BUT_ANSWERED.id
    }

    /// Whether it says that rules and capture cannot both be right.
    pub fn is_contradiction(&self) -> bool {
        self.id >= STOPPED_BUT_ANSWERED.id && self.id <= COUNTERS_DISAGREE.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_unique_and_in_order() {
        assert!(CATALOGUE.is_sorted_by(|a, b| a.id < b.id));
        let mut names: Vec<_> = CATALOGUE.iter().map(|c| c.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CATALOGUE.len());
    }

    #[test]
    fn each_page_is_about_its_check() {
        for check in CATALOGUE {
            let head = format!("# {} {}\n", check.id, check.name);
            assert!(check.page.starts_with(&head), "{}: {head}", check.path());
            assert!(check.page.contains(check.summary), "{}", check.path());
            for part in ["## Why it matters", "## What to do", "## How it is found"] {
                assert!(check.page.contains(part), "{} has no {part}", check.path());
            }
            let severity = format!("Severity: {}", check.severity);
            assert!(
                check.page.contains(&severity),
                "{}: {severity}",
                check.path()
            );
        }
    }

    #[test]
    fn each_page_belongs_to_a_check() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/findings");
        for page in std::fs::read_dir(folder).unwrap() {
            let name = page.unwrap().file_name().into_string().unwrap();
            let id = name.trim_end_matches(".md");
            assert!(id == "README" || find(id).is_some(), "{name}");
        }
    }
}
