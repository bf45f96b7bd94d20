//! Call signalling: what the user-user element of a Q.931 message holds (H.225.0).

use super::channels::{FAST_START, TUNNELLED};
use super::parties::{ADDRESS, ALIASES, CRYPTO_TOKENS, ENDPOINT, NON_STANDARD, SECURITY, TOKENS};
use super::{
    BOOL, Choice, Field, List, OID, SKIP, STOP, Sequence, WORD, choice, flags, list, octets,
    sequence,
};

const CALL_TYPE: Field = choice(&Choice::added(4, &[]));
const SERVICES: Sequence =
    Sequence::open(0, &[flags(7), sequence(&Sequence::open(0, &[flags(2)]))]);
const SETUP: Sequence = Sequence::added(
    7,
    13,
    26,
    &[
        OID,
        ADDRESS.optional().keep("h245Address"),
        ALIASES.optional(),
        ENDPOINT,
        ALIASES.optional(),
        ADDRESS.optional().keep("destCallSignalAddress"),
        ALIASES.optional(),
        list(&List::of(WORD)).optional(),
        BOOL,
        octets(16),
        choice(&Choice::added(3, &[])),
        sequence(&SERVICES).optional(),
        CALL_TYPE,
        ADDRESS.keep("sourceCallSignalAddress"),
        SKIP,
        SKIP,
        SKIP,
        SKIP,
        SKIP,
        FAST_START,
        SKIP,
        SKIP,
        STOP,
    ],
);
const ANSWER: [Field; 8] = [
    OID,
    ENDPOINT,
    ADDRESS.optional().keep("h245Address"),
    SKIP,
    SKIP,
    SKIP,
    SKIP,
    FAST_START,
];
const CALL_PROCEEDING: Sequence = Sequence::added(1, 3, 9, &ANSWER);
const ALERTING: Sequence = Sequence::added(1, 3, 14, &ANSWER);
const CONNECT: Sequence = Sequence::added(
    1,
    4,
    15,
    &[
        OID,
        ADDRESS.optional().keep("h245Address"),
        ENDPOINT,
        octets(16),
        SKIP,
        SKIP,
        SKIP,
        SKIP,
        FAST_START,
    ],
);
const INFORMATION: Sequence = Sequence::added(0, 1, 6, &[OID]);
const REASON: Field = choice(&Choice::added(12, &[]));
const RELEASE: Sequence = Sequence::added(1, 2, 9, &[OID, REASON.optional()]);
/// Number 1 is a call that is forwarded.
const FACILITY_REASON: Field = choice(&Choice::added(4, &[]));
const FACILITY: Sequence = Sequence::added(
    3,
    5,
    16,
    &[
        OID,
        ADDRESS.optional().keep("alternativeAddress"),
        ALIASES.optional(),
        octets(16).optional(),
        FACILITY_REASON.keep("reason"),
        SKIP,
        SKIP,
        SKIP,
        SKIP,
        SKIP,
        SKIP,
        ADDRESS.keep("h245Address"),
        FAST_START,
    ],
);
const PROGRESS: Sequence = Sequence::added(
    5,
    8,
    3,
    &[
        OID,
        ENDPOINT,
        ADDRESS.optional().keep("h245Address"),
        sequence(&Sequence::open(0, &[octets(16)])),
        SECURITY.optional(),
        TOKENS.optional(),
        CRYPTO_TOKENS.optional(),
        FAST_START.optional(),
    ],
);
const BODY: Choice = Choice::added(
    7,
    &[
        sequence(&SETUP).keep("setup"),
        sequence(&CALL_PROCEEDING).keep("callProceeding"),
        sequence(&CONNECT).keep("connect"),
        sequence(&ALERTING).keep("alerting"),
        sequence(&INFORMATION),
        sequence(&RELEASE),
        sequence(&FACILITY).keep("facility"),
        sequence(&PROGRESS).keep("progress"),
    ],
);
const PDU: Sequence = Sequence::added(
    1,
    2,
    9,
    &[
        choice(&BODY).keep("body"),
        NON_STANDARD.optional(),
        SKIP,
        SKIP,
        TUNNELLED,
        STOP,
    ],
);
/// `H323-UserInformation`.
pub(in super::super) static USER_INFORMATION: Field =
    sequence(&Sequence::open(1, &[sequence(&PDU).keep("pdu"), STOP])).keep("user");
