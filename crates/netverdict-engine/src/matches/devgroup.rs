//! `-m devgroup` (net/netfilter/xt_devgroup.c).

use netverdict_net::Device;
use netverdict_ruleset::matches::Devgroup;
use netverdict_ruleset::{Invertible, MarkMask};

use super::tri::{self, all};
use crate::About;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Devgroup, cx: &MatchCx<'_, '_>) -> Eval {
    let side = |test: Option<Invertible<MarkMask>>, device: Device| match test {
        None => Ok(true),
        Some(test) => {
            let told = || cx.fact(|about| group_of(about, device));
            let group = told().or_else(|| cx.host.device_group(device));
            let group = group.ok_or("the device is not known")?;
            Ok(test.test(|want| want.matches(group)))
        }
    };
    tri::eval(all([
        side(m.source, cx.skb.in_device),
        side(m.destination, cx.skb.out_device),
    ]))
}

fn group_of(about: &About, of: Device) -> Option<u32> {
    match about {
        About::Devgroup { device, group } if of == Device::Named(*device) => Some(*group),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_host::{Host, HostFacts, Interface};
    use netverdict_net::InterfaceName;

    #[test]
    fn each_side_asks_its_device() {
        let mut scene = Scene::new(Vec::new());
        let mut eth1 = Interface::new(InterfaceName::new("eth1").unwrap());
        eth1.group = Some(0x12);
        scene.host = Host::new(HostFacts {
            interfaces: vec![eth1],
            ..HostFacts::default()
        });
        let group = |value, mask, inverted| {
            let value = MarkMask { value, mask };
            Some(Invertible { inverted, value })
        };
        for (source, destination, hit) in [
            (group(0, u32::MAX, false), None, true),
            (None, group(0x12, u32::MAX, false), true),
            (None, group(2, 0xf, false), true),
            (None, group(0x12, u32::MAX, true), false),
            (
                group(0, u32::MAX, true),
                group(0x12, u32::MAX, false),
                false,
            ),
        ] {
            let m = Devgroup {
                source,
                destination,
            };
            assert_eq!(
                scene.with(|cx| evaluate(&m, cx)),
                Eval::of(hit, false),
                "{m:?}"
            );
        }
        scene.skb.in_device = Device::Unknown;
        let m = Devgroup {
            source: group(0, u32::MAX, false),
            destination: None,
        };
        assert!(matches!(
            scene.with(|cx| evaluate(&m, cx)),
            Eval::Unknown(_)
        ));
    }
}
