//! Prints the frames of captures, one a line, then what is known of each capture: `frames [--count] CAPTURE...`.
//! With `--count` it decodes on all cores and prints only how many frames hold an IP packet.

#![expect(clippy::print_stdout, reason = "an example")]

use std::error::Error;
use std::io::{BufWriter, Write, stdout};

use netverdict_capture::{Captures, Frame, Input, Network, expand};
use rayon::iter::ParallelIterator;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let is_count = arguments.first().is_some_and(|a| a == "--count");
    if is_count {
        arguments.remove(0);
    }
    let inputs: Vec<_> = arguments.iter().map(|a| Input::of(a)).collect();
    let (inputs, _) = expand(&inputs)?;
    let mut stream = Captures::open(&inputs)?;
    if is_count {
        println!("{} IP packets", count(&mut stream)?);
    } else {
        list(&mut stream)?;
    }
    for file in stream.files() {
        println!("# {}: {}, {} frames", file.name, file.format, file.frames);
        for warning in &file.warnings {
            println!("# {}: {warning}", file.name);
        }
    }
    Ok(())
}

fn count(stream: &mut Captures) -> Result<usize, Box<dyn Error>> {
    let mut packets = 0;
    while let Some(batch) = stream.next_batch()? {
        let is_packet = |frame: &Option<Frame<'_>>| {
            matches!(frame.as_ref().and_then(Frame::packet), Some(Ok(_)))
        };
        packets += batch.par_frames().filter(is_packet).count();
    }
    Ok(packets)
}

fn list(stream: &mut Captures) -> Result<(), Box<dyn Error>> {
    let mut output = BufWriter::new(stdout().lock());
    while let Some(batch) = stream.next_batch()? {
        for frame in batch.frames() {
            writeln!(output, "{}", line(&frame))?;
        }
    }
    Ok(())
}

/// File, number, time, lengths, interface, direction, addresses, tags, and the IP packet or why there is none.
fn line(frame: &Frame<'_>) -> String {
    let (file, number, time) = (frame.file, frame.number, frame.time);
    let (captured, original) = (frame.data.len(), frame.original_len);
    let interface = frame
        .interface
        .map_or_else(|| "-".to_owned(), |i| i.to_string());
    let direction = frame
        .direction_hint
        .map_or_else(|| "-".to_owned(), |d| d.to_string());
    let mac = |mac: Option<_>| {
        mac.map_or_else(
            || "-".to_owned(),
            |m: netverdict_net::MacAddr| m.to_string(),
        )
    };
    let (source, destination) = (mac(frame.link.source), mac(frame.link.destination));
    let packet = match (frame.packet(), frame.network) {
        (Some(Ok(packet)), _) => format!(
            "{} > {} len {}",
            packet.source(),
            packet.destination(),
            packet.len()
        ),
        (Some(Err(error)), _) => format!("no packet: {error}"),
        (None, Network::Arp { .. }) => "ARP".to_owned(),
        (None, Network::Skipped(reason)) => format!("skipped: {reason}"),
        (None, Network::Ip { .. }) => String::new(),
    };
    let (kind, tags) = (frame.link.packet_type, &frame.tags);
    format!(
        "{file}\t{number}\t{time}\t{captured}\t{original}\t{interface}\t{direction}\t{source}\t{destination}\t{kind:?}\t{tags:?}\t{packet}"
    )
}
