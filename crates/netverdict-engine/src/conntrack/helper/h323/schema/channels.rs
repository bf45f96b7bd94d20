//! H.245: the media channels that are opened, in messages of their own or within call signalling.

use super::{
    BOOL, BYTE, Choice, DATA, DIGITS, Field, Kind, Length, List, NULL, OID, STOP, Sequence, WORD,
    choice, few_octets, field, flags, list, long, octets, sequence,
};

const COUNTRY: Sequence = Sequence::closed(0, &[BYTE, BYTE, WORD]);
const NON_STANDARD_KIND: Choice = Choice::closed(&[OID, sequence(&COUNTRY)]);
const NON_STANDARD: Field = sequence(&Sequence::closed(0, &[choice(&NON_STANDARD_KIND), DATA]));

/// One of three without contents.
const THREE: Field = choice(&Choice::open(&[NULL, NULL, NULL]));

const H261: Sequence = Sequence::added(
    2,
    5,
    1,
    &[flags(2).optional(), flags(2).optional(), BOOL, WORD, BOOL],
);
const H262: Sequence = Sequence::added(
    6,
    7,
    1,
    &[
        flags(11),
        long(0).optional(),
        long(0).optional(),
        WORD.optional(),
        WORD.optional(),
        flags(4).optional(),
        long(0).optional(),
    ],
);
const H263: Sequence = Sequence::added(
    7,
    9,
    8,
    &[
        flags(5).optional(),
        flags(5).optional(),
        flags(5).optional(),
        flags(5).optional(),
        flags(5).optional(),
        long(1),
        flags(5),
        long(0).optional(),
        WORD.optional(),
    ],
);
const MPEG1_VIDEO: Sequence = Sequence::added(
    6,
    7,
    1,
    &[
        BOOL,
        long(0).optional(),
        long(0).optional(),
        WORD.optional(),
        WORD.optional(),
        flags(4).optional(),
        long(0).optional(),
    ],
);
const VIDEO: Choice = Choice::added(
    5,
    &[
        NON_STANDARD,
        sequence(&H261),
        sequence(&H262),
        sequence(&H263),
        sequence(&MPEG1_VIDEO),
    ],
);

const G7231: Sequence = Sequence::closed(0, &[BYTE, BOOL]);
const MPEG1_AUDIO: Sequence = Sequence::open(0, &[flags(8), WORD]);
const MPEG2_AUDIO: Sequence = Sequence::open(0, &[flags(20), WORD]);
const AUDIO: Choice = Choice::added(
    14,
    &[
        NON_STANDARD,
        BYTE,
        BYTE,
        BYTE,
        BYTE,
        BYTE,
        BYTE,
        BYTE,
        sequence(&G7231),
        BYTE,
        BYTE,
        BYTE,
        sequence(&MPEG1_AUDIO),
        sequence(&MPEG2_AUDIO),
    ],
);

/// Number 10 is a LAN stack of its own.
const DATA_PROTOCOL: Field = choice(&Choice::added(7, &[NON_STANDARD]));
const T84_PROFILE: Choice = Choice::closed(&[NULL, sequence(&Sequence::open(0, &[flags(19)]))]);
const T84: Sequence = Sequence::closed(0, &[DATA_PROTOCOL, choice(&T84_PROFILE)]);
const NLPID: Sequence = Sequence::closed(0, &[DATA_PROTOCOL, DATA]);
const APPLICATION: Choice = Choice::added(
    10,
    &[
        NON_STANDARD,
        DATA_PROTOCOL.keep("t120"),
        DATA_PROTOCOL,
        DATA_PROTOCOL,
        sequence(&T84),
        DATA_PROTOCOL,
        DATA_PROTOCOL,
        sequence(&NLPID),
        NULL,
        DATA_PROTOCOL,
    ],
);
const DATA_APPLICATION: Sequence =
    Sequence::open(0, &[choice(&APPLICATION).keep("application"), long(0)]);
const ENCRYPTION: Choice = Choice::open(&[NON_STANDARD, NULL]);
const DATA_TYPE: Field = choice(&Choice::added(
    6,
    &[
        NON_STANDARD,
        NULL,
        choice(&VIDEO),
        choice(&AUDIO),
        sequence(&DATA_APPLICATION).keep("data"),
        choice(&ENCRYPTION),
    ],
));

const H222: Field = sequence(&Sequence::open(
    3,
    &[
        WORD,
        WORD,
        WORD.optional(),
        DATA.optional(),
        DATA.optional(),
    ],
));
const ADAPTATION: Choice = Choice::added(
    6,
    &[
        NON_STANDARD,
        NULL,
        NULL,
        NULL,
        NULL,
        sequence(&Sequence::closed(0, &[flags(2), long(0)])),
    ],
);
const H223: Field = sequence(&Sequence::open(0, &[choice(&ADAPTATION), BOOL]));
const HDLC: Sequence = Sequence::open(0, &[THREE, WORD, BOOL]);
const RECOVERY: Sequence = Sequence::open(0, &[flags(7), THREE]);
const V76_MODE: Choice = Choice::open(&[sequence(&RECOVERY), NULL]);
const V76: Field = sequence(&Sequence::open(
    0,
    &[
        sequence(&HDLC),
        THREE,
        BOOL,
        choice(&V76_MODE),
        sequence(&Sequence::open(0, &[BOOL])),
    ],
));

const IPV4: Sequence = Sequence::open(0, &[octets(4), WORD]);
const IPV6: Sequence = Sequence::open(0, &[octets(16), WORD]);
const UNICAST_V4: Sequence = Sequence::open(0, &[octets(4).keep("ip"), WORD]);
const UNICAST_V6: Sequence = Sequence::open(0, &[octets(16).keep("ip"), WORD]);
const IPX: Sequence = Sequence::open(0, &[octets(6), octets(4), octets(2)]);
const SOURCE_ROUTE: Sequence = Sequence::open(
    0,
    &[
        choice(&Choice::closed(&[NULL, NULL])),
        octets(4),
        WORD,
        list(&List::of(octets(4))),
    ],
);
const UNICAST: Choice = Choice::added(
    5,
    &[
        sequence(&UNICAST_V4).keep("v4"),
        sequence(&IPX),
        sequence(&UNICAST_V6).keep("v6"),
        octets(16),
        sequence(&SOURCE_ROUTE),
    ],
);
const MULTICAST: Choice = Choice::added(2, &[sequence(&IPV4), sequence(&IPV6)]);
/// An address of H.245.
const ADDRESS: Field = choice(&Choice::open(&[
    choice(&UNICAST).keep("unicast"),
    choice(&MULTICAST),
]));

const NON_STANDARDS: Field = list(&List::of(NON_STANDARD));
const H2250: Field = sequence(&Sequence::open(
    10,
    &[
        NON_STANDARDS.optional(),
        BYTE,
        flags(8).optional(),
        ADDRESS.optional().keep("mediaChannel"),
        BOOL.optional(),
        ADDRESS.optional().keep("mediaControlChannel"),
        STOP,
    ],
));
const FORWARD_MULTIPLEX: Choice = Choice::added(3, &[H222, H223, V76, H2250.keep("h2250")]);
const FORWARD: Sequence = Sequence::added(
    1,
    3,
    2,
    &[
        WORD.optional(),
        DATA_TYPE.keep("dataType"),
        choice(&FORWARD_MULTIPLEX).keep("multiplex"),
    ],
);
const REVERSE_MULTIPLEX: Choice = Choice::added(2, &[H223, V76, H2250.keep("h2250")]);
const REVERSE: Sequence = Sequence::added(
    1,
    2,
    2,
    &[
        DATA_TYPE,
        choice(&REVERSE_MULTIPLEX).optional().keep("multiplex"),
    ],
);

const SUBADDRESS: Field = few_octets(5, 1);
const NUMBER: Field = field(Kind::Digits(Length::Few(4, 1)));
const Q2931: Sequence = Sequence::open(
    1,
    &[
        choice(&Choice::open(&[NUMBER, SUBADDRESS])),
        SUBADDRESS.optional(),
    ],
);
const NETWORK_ADDRESS: Choice =
    Choice::open(&[sequence(&Q2931), DIGITS, ADDRESS.keep("localAreaAddress")]);
const SEPARATE_STACK: Field = sequence(&Sequence::added(
    2,
    4,
    1,
    &[
        choice(&Choice::open(&[NULL, NULL])).optional(),
        choice(&NETWORK_ADDRESS).keep("networkAddress"),
        BOOL,
        few_octets(8, 1).optional(),
    ],
));

const OPEN_CHANNEL: Field = sequence(&Sequence::added(
    1,
    3,
    2,
    &[
        WORD,
        sequence(&FORWARD).keep("forward"),
        sequence(&REVERSE).optional().keep("reverse"),
        SEPARATE_STACK.keep("separateStack"),
        STOP,
    ],
));
/// Channels that are opened while the call is set up.
pub(in super::super) const FAST_START: Field = list(&List {
    most: 30,
    item: OPEN_CHANNEL.open().keep("channel"),
})
.keep("fastStart");

const ACK_MULTIPLEX: Choice = Choice::added(1, &[H222, H2250.keep("h2250")]);
const ACK_REVERSE: Sequence = Sequence::added(
    2,
    3,
    1,
    &[
        WORD,
        WORD.optional(),
        choice(&ACK_MULTIPLEX).optional().keep("multiplex"),
    ],
);
const ACK_H2250: Sequence = Sequence::added(
    5,
    5,
    2,
    &[
        NON_STANDARDS.optional(),
        flags(8).optional(),
        ADDRESS.optional().keep("mediaChannel"),
        ADDRESS.optional().keep("mediaControlChannel"),
        flags(5).optional(),
    ],
);
const ACK_FORWARD: Choice = Choice::open(&[sequence(&ACK_H2250).keep("h2250")]);
const OPEN_CHANNEL_ACK: Sequence = Sequence::added(
    1,
    2,
    3,
    &[
        WORD,
        sequence(&ACK_REVERSE).optional().keep("reverse"),
        SEPARATE_STACK.keep("separateStack"),
        choice(&ACK_FORWARD).keep("forward"),
        STOP,
    ],
);

const REQUESTS: [Field; 15] = {
    let mut all = [STOP; 15];
    all[3] = OPEN_CHANNEL.keep("openLogicalChannel");
    all
};
const RESPONSES: [Field; 24] = {
    let mut all = [STOP; 24];
    all[5] = sequence(&OPEN_CHANNEL_ACK).keep("openLogicalChannelAck");
    all
};
const CONTROL: Choice = Choice::open(&[
    choice(&Choice::added(11, &REQUESTS)).keep("request"),
    choice(&Choice::added(19, &RESPONSES)).keep("response"),
    STOP,
    STOP,
]);
/// `MultimediaSystemControlMessage`.
pub(in super::super) static MESSAGE: Field = choice(&CONTROL).keep("message");
/// H.245 messages that travel in call signalling.
pub(super) const TUNNELLED: Field = list(&List {
    most: 4,
    item: choice(&CONTROL).open().keep("message"),
})
.keep("h245Control");
