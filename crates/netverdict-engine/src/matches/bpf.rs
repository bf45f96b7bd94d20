//! `-m bpf` (net/netfilter/xt_bpf.c).

use netverdict_ruleset::matches::Bpf;

use super::tri::unknown;
use crate::bpf::{self, BpfError};
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Bpf, cx: &MatchCx<'_, '_>) -> Eval {
    let Bpf::Bytecode(program) = m else {
        return unknown("a pinned eBPF program is not in the dump");
    };
    match bpf::run(program, cx.skb) {
        Ok(result) => Eval::of(result != 0, false),
        Err(BpfError::NotCaptured) => unknown("bytes not captured"),
        Err(BpfError::Ancillary) => unknown("the program reads what no capture tells"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp};
    use netverdict_ruleset::matches::BpfInstruction;

    fn program(text: &[(u16, u8, u8, u32)]) -> Bpf {
        let instruction =
            |&(code, jt, jf, k): &(u16, u8, u8, u32)| BpfInstruction { code, jt, jf, k };
        Bpf::Bytecode(text.iter().map(instruction).collect())
    }

    /// `nfbpf_compile RAW 'ip proto 17'`, as the manual page shows it.
    const UDP: [(u16, u8, u8, u32); 4] =
        [(48, 0, 0, 9), (21, 0, 1, 17), (6, 0, 0, 1), (6, 0, 0, 0)];

    #[test]
    fn any_result_but_zero_matches() {
        let mut scene = Scene::new(tcp(1, 2, 2, &[]));
        assert_eq!(scene.with(|cx| evaluate(&program(&UDP), cx)), Eval::False);
        scene.skb.packet.captured_mut()[9] = 17;
        assert_eq!(scene.with(|cx| evaluate(&program(&UDP), cx)), Eval::True);
    }

    #[test]
    fn ports_behind_a_variable_header() {
        // ldx 4*([0]&0xf); ldh [x+2]; jeq #22; ret #-1; ret #0
        let dport = program(&[
            (0xb1, 0, 0, 0),
            (0x48, 0, 0, 2),
            (0x15, 0, 1, 22),
            (0x06, 0, 0, u32::MAX),
            (0x06, 0, 0, 0),
        ]);
        let mut scene = Scene::new(tcp(1, 22, 2, &[]));
        assert_eq!(scene.with(|cx| evaluate(&dport, cx)), Eval::True);
        scene.cut(22);
        assert!(matches!(
            scene.with(|cx| evaluate(&dport, cx)),
            Eval::Unknown(_)
        ));
    }

    #[test]
    fn loads_beyond_the_packet_and_division_by_zero_end_in_no_match() {
        let mut scene = Scene::new(Vec::new());
        let beyond = program(&[(0x20, 0, 0, 18), (0x06, 0, 0, 1)]);
        assert_eq!(scene.with(|cx| evaluate(&beyond, cx)), Eval::False);
        let zero = program(&[(0x00, 0, 0, 7), (0x3c, 0, 0, 0), (0x06, 0, 0, 1)]);
        assert_eq!(scene.with(|cx| evaluate(&zero, cx)), Eval::False);
    }

    #[test]
    fn what_lives_in_the_kernel_is_unknown() {
        let mut scene = Scene::new(Vec::new());
        let pinned = Bpf::Pinned("/sys/fs/bpf/x".to_owned());
        assert!(matches!(
            scene.with(|cx| evaluate(&pinned, cx)),
            Eval::Unknown(_)
        ));
        // ld ifindex
        let ancillary = program(&[(0x20, 0, 0, 0xffff_f008), (0x06, 0, 0, 1)]);
        assert!(matches!(
            scene.with(|cx| evaluate(&ancillary, cx)),
            Eval::Unknown(_)
        ));
        let len = program(&[(0x80, 0, 0, 0), (0x16, 0, 0, 0)]);
        assert_eq!(scene.with(|cx| evaluate(&len, cx)), Eval::True);
    }
}
