//! A case that shows a difference, made smaller while it still does.

use netverdict_net::Family;

use crate::Case;
use crate::rig::Backend;

/// Takes away rules and frames until nothing more can go. `still` says whether a case still shows what is sought; it is
/// asked at most `patience` times.
pub fn shrink(case: Case, patience: usize, mut still: impl FnMut(&Case) -> bool) -> Case {
    let mut best = case;
    let mut left = patience;
    loop {
        let size = weight(&best);
        best = frames(best, &mut left, &mut still);
        for family in Family::ALL {
            best = rules(best, family, &mut left, &mut still);
        }
        if weight(&best) == size || left == 0 {
            return best;
        }
    }
}

fn weight(case: &Case) -> usize {
    let lines = |family| case.dump(family).map_or(0, |text| text.lines().count());
    case.frames.len() + lines(Family::V4) + lines(Family::V6)
}

fn frames(case: Case, left: &mut usize, still: &mut impl FnMut(&Case) -> bool) -> Case {
    let all = case.frames.clone();
    let with = |frames: Vec<_>| Case {
        frames,
        ..case.clone()
    };
    let kept = fewest(all, left, |frames| still(&with(frames.to_vec())));
    with(kept)
}

/// Takes away lines: rules, declarations of chains, whole tables. What iptables-restore then refuses shows nothing.
fn rules(
    case: Case,
    family: Family,
    left: &mut usize,
    still: &mut impl FnMut(&Case) -> bool,
) -> Case {
    let Some(text) = case.dump(family) else {
        return case;
    };
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let with = |lines: &[String]| {
        let kept = lines.iter().filter(|line| !line.is_empty());
        let text: String = kept.flat_map(|line| [line.as_str(), "\n"]).collect();
        let mut smaller = case.clone();
        match family {
            Family::V4 => smaller.v4 = (!text.is_empty()).then_some(text),
            Family::V6 => smaller.v6 = (!text.is_empty()).then_some(text),
        }
        smaller
    };
    let tables = fewest(tables(&lines), left, |tables| {
        still(&with(&tables.concat()))
    });
    let all: Vec<(usize, String)> = tables.concat().into_iter().enumerate().collect();
    // iptables-nft makes the chains that a dump declares, and no others.
    let stays = |line: &str| case.backend == Backend::Nft && line.starts_with(':');
    let (fixed, free): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, line)| stays(line));
    let together = |free: &[(usize, String)]| {
        let mut lines = [&fixed, free].concat();
        lines.sort_unstable();
        lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>()
    };
    let kept = fewest(free, left, |free| still(&with(&together(free))));
    with(&together(&kept))
}

fn tables(lines: &[String]) -> Vec<Vec<String>> {
    let mut tables: Vec<Vec<String>> = Vec::new();
    for line in lines {
        if line.starts_with('*') || tables.is_empty() {
            tables.push(Vec::new());
        }
        if let Some(table) = tables.last_mut() {
            table.push(line.clone());
        }
    }
    tables
}

/// Leaves out ever smaller runs of items as long as the rest still shows it.
fn fewest<T: Clone>(all: Vec<T>, left: &mut usize, mut still: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut kept = all;
    let mut run = kept.len();
    while run > 0 && !kept.is_empty() {
        let mut at = 0;
        let mut went = false;
        while at < kept.len() {
            if *left == 0 {
                return kept;
            }
            *left -= 1;
            let mut fewer = kept.clone();
            fewer.drain(at..(at + run).min(kept.len()));
            if still(&fewer) {
                kept = fewer;
                went = true;
            } else {
                at += run;
            }
        }
        if run == 1 && !went {
            break;
        }
        run = if run == 1 { 1 } else { run.div_ceil(2) };
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_matters_is_left() {
        let mut left = 1000;
        let kept = fewest((0..100).collect(), &mut left, |some| {
            some.contains(&17) && some.contains(&80)
        });
        assert_eq!(kept, [17, 80]);
        assert!(left > 800, "{left}");
    }

    #[test]
    fn patience_is_kept_to() {
        let mut asked = 0;
        let mut left = 10;
        fewest((0..100).collect::<Vec<_>>(), &mut left, |_| {
            asked += 1;
            false
        });
        assert_eq!((asked, left), (10, 0));
    }
}
