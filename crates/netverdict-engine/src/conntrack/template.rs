//! What a `-j CT` rule attaches to a packet before tracking sees it.

use netverdict_ruleset::matches::CtDirection;
use netverdict_ruleset::targets::{Ct, CtZoneId};

use super::policies::PolicyId;
use super::{Helper, Zone, ZoneDirection};

/// `struct nf_conn` as a template: what new connections take over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Template {
    /// `--zone`, `--zone-orig`, `--zone-reply`.
    pub(crate) zone: Option<(CtZoneId, ZoneDirection)>,
    /// `--helper`.
    pub(crate) helper: Option<Helper>,
    /// `--timeout`.
    pub(crate) timeout: Option<String>,
    /// Which of the policies that is; `None` without one, and where it is not known.
    pub(crate) policy: Option<PolicyId>,
}

impl Template {
    /// What a rule says. A helper that is not modelled is left out; what a timeout policy holds is given later, or not.
    pub(crate) fn of(ct: &Ct) -> Self {
        Self {
            zone: ct.zone.map(|zone| {
                let direction = match zone.direction {
                    None => ZoneDirection::Both,
                    Some(CtDirection::Original) => ZoneDirection::Original,
                    Some(CtDirection::Reply) => ZoneDirection::Reply,
                };
                (zone.id, direction)
            }),
            helper: ct.helper.as_deref().and_then(Helper::from_name),
            timeout: ct.timeout.clone(),
            policy: None,
        }
    }

    /// The zone of a packet with this mark (`nf_ct_zone_tmpl`).
    pub(crate) const fn zone(&self, mark: u32) -> Zone {
        match self.zone {
            None => Zone {
                id: 0,
                direction: ZoneDirection::Both,
            },
            Some((choice, direction)) => Zone {
                id: match choice {
                    CtZoneId::Id(id) => id,
                    CtZoneId::Mark => mark as u16,
                },
                direction,
            },
        }
    }
}
