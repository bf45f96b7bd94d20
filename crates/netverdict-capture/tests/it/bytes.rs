//! Captures made by other programs, and builders that follow the formats' specifications word by word.

use std::io::Cursor;

use netverdict_capture::{CaptureReader, Frame, Summary};

/// tcpdump 4.99 on Linux 6.18, a UDP datagram over a veth pair: `tcpdump -i vb`.
pub(crate) const TCPDUMP_ETHERNET: &str = "d4c3b2a10200040000000000000000000000040001000000\
    056d036b0de401002d0000002d000000\
    02000000000b02000000000a08004500001f531b4000401163afc0000201c0000202991c0009000b842068690a";

/// The same datagram seen on both ends, then one over lo: `tcpdump -i any -y LINUX_SLL`.
pub(crate) const TCPDUMP_SLL: &str = "d4c3b2a10200040000000000000000000000040071000000\
    056d036b04e401002f0000002f00000000040001000602000000000a00000800\
    4500001f531b4000401163afc0000201c0000202991c0009000b842068690a\
    056d036b0be401002f0000002f00000000000001000602000000000a00000800\
    4500001f531b4000401163afc0000201c0000202991c0009000b842068690a\
    056d036b3be401002f0000002f000000000003040006000000000000000008004500001f9ac140004011a20a7f0000017f00000193c7\
    0009000bfe1e68690a";

/// `tcpdump -i any -y LINUX_SLL2`.
pub(crate) const TCPDUMP_SLL2: &str = "d4c3b2a10200040000000000000000000000040014010000\
    056d036b02e40100330000003300000008000000000000030001040602000000000a0000\
    4500001f531b4000401163afc0000201c0000202991c0009000b842068690a\
    056d036b0be40100330000003300000008000000000000020001000602000000000a0000\
    4500001f531b4000401163afc0000201c0000202991c0009000b842068690a";

/// [`TCPDUMP_ETHERNET`] through `editcap -F modpcap` (Wireshark 4.0).
pub(crate) const EDITCAP_MODIFIED: &str = "34cdb2a10200040000000000000000000000040001000000\
    056d036b0de401002d0000002d0000000000000000000000\
    02000000000b02000000000a08004500001f531b4000401163afc0000201c0000202991c0009000b842068690a";

/// [`TCPDUMP_ETHERNET`] through `editcap -F nsecpcap`.
pub(crate) const EDITCAP_NANOSECONDS: &str = "4d3cb2a10200040000000000000000000000040001000000\
    056d036bc8d262072d0000002d000000\
    02000000000b02000000000a08004500001f531b4000401163afc0000201c0000202991c0009000b842068690a";

/// `text2pcap -D` of one frame in and one out, then `editcap -a 2:hello`.
pub(crate) const TEXT2PCAP_DIRECTIONS: &str = "0a0d0d0acc0000004d3c2b1a01000000ffffffffffffffff\
    0100220047656e6572617465642066726f6d20696e7075742066696c65206469722e7478742e0000\
    02001600414d44204550594320287769746820535345342e32290000\
    030015004c696e757820362e31382e34342d66632d7637393500000004004700546578743270636170\
    202857697265736861726b2920342e302e313720284769742076342e302e3137207061636b61676564\
    20617320342e302e31372d302b64656231327533290000000000cc000000\
    010000003800000001000000000004000200120046616b652049462c207465787432706361700000090001000900000000000000\
    38000000\
    0600000040000000000000009c7eea18e88bc07a1200000012000000\
    02000000000b02000000000a0800450000140000020004000100000000000000\
    40000000\
    0600000048000000000000009c7eea18d08fc07a1000000010000000\
    02000000000b02000000000a08064500\
    02000400020000000100050068656c6c6f0000000000000048000000";

/// Bytes from hex digits; blanks do not count.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

pub(crate) fn reader(bytes: &[u8]) -> CaptureReader {
    CaptureReader::from_reader("test", Cursor::new(bytes.to_vec())).unwrap()
}

/// All frames of a capture, and its summary.
pub(crate) fn read(bytes: &[u8]) -> (Vec<Frame<'static>>, Summary) {
    read_all(reader(bytes))
}

pub(crate) fn read_all(mut reader: CaptureReader) -> (Vec<Frame<'static>>, Summary) {
    let mut frames = Vec::new();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        frames.extend(chunk.frames().map(Frame::into_owned));
    }
    (frames, reader.into_summary())
}

/// Integers in one byte order.
#[derive(Clone, Copy)]
pub(crate) struct Endian {
    pub(crate) big: bool,
}

pub(crate) const LITTLE: Endian = Endian { big: false };
pub(crate) const BIG: Endian = Endian { big: true };

impl Endian {
    pub(crate) fn u16(self, value: u16) -> [u8; 2] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    pub(crate) fn u32(self, value: u32) -> [u8; 4] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    pub(crate) fn words(self, values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|v| self.u32(*v)).collect()
    }

    /// A pcap file header.
    pub(crate) fn pcap(self, magic: u32, snaplen: u32, link: u32) -> Vec<u8> {
        let version = [self.u16(2), self.u16(4)].concat();
        [
            self.words(&[magic]),
            version,
            self.words(&[0, 0, snaplen, link]),
        ]
        .concat()
    }

    /// A pcap record.
    pub(crate) fn record(self, seconds: u32, fraction: u32, original: u32, data: &[u8]) -> Vec<u8> {
        [
            self.words(&[seconds, fraction, data.len() as u32, original]),
            data.to_vec(),
        ]
        .concat()
    }

    /// A pcapng block around a body, which is padded.
    pub(crate) fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padded = body.len().next_multiple_of(4);
        let len = self.u32(padded as u32 + 12);
        let mut body = body.to_vec();
        body.resize(padded, 0);
        [&self.u32(kind)[..], &len, &body, &len].concat()
    }

    /// A pcapng option, padded.
    pub(crate) fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = [&self.u16(code)[..], &self.u16(value.len() as u16), value].concat();
        option.resize(option.len().next_multiple_of(4), 0);
        option
    }

    pub(crate) fn section(self) -> Vec<u8> {
        let mut body = self.words(&[0x1a2b_3c4d]);
        body.extend(self.u16(1));
        body.extend(self.u16(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    pub(crate) fn interface(self, link: u16, snaplen: u32, options: &[Vec<u8>]) -> Vec<u8> {
        let fixed = [&self.u16(link)[..], &[0, 0], &self.u32(snaplen)].concat();
        self.block(1, &[fixed, options.concat()].concat())
    }

    pub(crate) fn enhanced(
        self,
        interface: u32,
        ticks: u64,
        original: u32,
        data: &[u8],
        options: &[Vec<u8>],
    ) -> Vec<u8> {
        let mut body = self.words(&[
            interface,
            (ticks >> 32) as u32,
            ticks as u32,
            data.len() as u32,
            original,
        ]);
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options.concat());
        self.block(6, &body)
    }
}
