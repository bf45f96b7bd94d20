//! Who takes part: addresses, aliases, endpoints, and the tokens that they prove themselves with (H.225.0, H.235).

use super::{
    BYTE, Choice, DATA, DIGITS, Field, Kind, Length, List, NAME, NULL, OID, SKIP, Sequence, WORD,
    Width, choice, few_octets, field, flags, list, long, octets, sequence,
};

const COUNTRY: Sequence = Sequence::open(0, &[BYTE, BYTE, WORD]);
const NON_STANDARD_KIND: Choice = Choice::open(&[OID, sequence(&COUNTRY)]);
pub(super) const NON_STANDARD: Field =
    sequence(&Sequence::closed(0, &[choice(&NON_STANDARD_KIND), DATA]));

const IPV4: Sequence = Sequence::closed(0, &[octets(4).keep("ip"), WORD]);
const IPV6: Sequence = Sequence::open(0, &[octets(16).keep("ip"), WORD]);
const IPX: Sequence = Sequence::closed(0, &[octets(6), octets(4), octets(2)]);
const ROUTING: Choice = Choice::open(&[NULL, NULL]);
const SOURCE_ROUTE: Sequence = Sequence::open(
    0,
    &[
        octets(4),
        WORD,
        list(&List::of(octets(4))),
        choice(&ROUTING),
    ],
);
/// An address of H.225.0.
pub(super) const ADDRESS: Field = choice(&Choice::open(&[
    sequence(&IPV4).keep("v4"),
    sequence(&SOURCE_ROUTE),
    sequence(&IPX),
    sequence(&IPV6).keep("v6"),
    octets(16),
    few_octets(5, 1),
    NON_STANDARD,
]));

const ALIAS: Field = choice(&Choice::added(
    2,
    &[DIGITS, field(Kind::Wide(Length::Byte(1)))],
));
pub(super) const ALIASES: Field = list(&List::of(ALIAS));

const TEXT: Field = field(Kind::Octets(Length::Byte(1)));
pub(super) const VENDOR: Field = sequence(&Sequence::open(
    2,
    &[sequence(&COUNTRY), TEXT.optional(), TEXT.optional()],
));

const CAPABILITIES: Field = sequence(&Sequence::added(1, 1, 2, &[NON_STANDARD.optional()]));
const PROTOCOL: Choice = Choice::added(
    9,
    &[
        NON_STANDARD,
        CAPABILITIES,
        CAPABILITIES,
        CAPABILITIES,
        CAPABILITIES,
        CAPABILITIES,
        CAPABILITIES,
        CAPABILITIES,
        CAPABILITIES,
    ],
);
const GATEWAY: Sequence = Sequence::open(
    2,
    &[
        list(&List::of(choice(&PROTOCOL))).optional(),
        NON_STANDARD.optional(),
    ],
);
const NON_STANDARD_ONLY: Sequence = Sequence::open(1, &[NON_STANDARD.optional()]);
const MCU: Sequence = Sequence::added(1, 1, 1, &[NON_STANDARD.optional()]);
pub(super) const ENDPOINT: Field = sequence(&Sequence::added(
    6,
    7,
    2,
    &[
        NON_STANDARD.optional(),
        VENDOR.optional(),
        sequence(&NON_STANDARD_ONLY).optional(),
        sequence(&GATEWAY).optional(),
        sequence(&MCU).optional(),
        sequence(&NON_STANDARD_ONLY).optional(),
        flags(2),
    ],
));

const SECURITY_MODE: Field = choice(&Choice::open(&[NON_STANDARD, NULL, NULL]));
const SECURITY_CAPABILITIES: Sequence = Sequence::open(
    1,
    &[
        NON_STANDARD.optional(),
        SECURITY_MODE,
        SECURITY_MODE,
        SECURITY_MODE,
    ],
);
/// How an H.245 channel is secured.
pub(super) const SECURITY: Field = choice(&Choice::open(&[
    NON_STANDARD,
    NULL,
    sequence(&SECURITY_CAPABILITIES),
    sequence(&SECURITY_CAPABILITIES),
]));

const LONG_BITS: Field = field(Kind::Bits { long: true });
const HALF_KEYS: Sequence = Sequence::open(0, &[LONG_BITS, LONG_BITS, LONG_BITS]);
const NUMBER: Field = field(Kind::Int(Width::Any));
const LABELLED: Sequence = Sequence::closed(0, &[OID, DATA]);
const CERTIFICATE: Sequence = Sequence::open(0, &[OID, DATA]);
const CLEAR_TOKEN: Field = sequence(&Sequence::added(
    8,
    9,
    2,
    &[
        OID,
        long(1).optional(),
        NAME.optional(),
        sequence(&HALF_KEYS).optional(),
        few_octets(7, 8).optional(),
        NUMBER.optional(),
        sequence(&CERTIFICATE).optional(),
        NAME.optional(),
        sequence(&LABELLED).optional(),
    ],
));
pub(super) const TOKENS: Field = list(&List::of(CLEAR_TOKEN));

const PARAMETERS: Field = sequence(&Sequence::added(
    2,
    2,
    1,
    &[NUMBER.optional(), octets(8).optional()],
));
const ANY_BITS: Field = field(Kind::Bits { long: false });
const HASHED: Field = sequence(&Sequence::closed(0, &[OID, PARAMETERS, ANY_BITS]));
const ENCRYPTED: Field = sequence(&Sequence::closed(0, &[OID, PARAMETERS, DATA]));
const SIGNED: Field = sequence(&Sequence::closed(
    0,
    &[SKIP.open(), OID, PARAMETERS, ANY_BITS],
));
const NESTED: Choice = Choice::open(&[
    sequence(&Sequence::closed(0, &[OID, ENCRYPTED])),
    sequence(&Sequence::closed(0, &[OID, SIGNED])),
    sequence(&Sequence::closed(0, &[OID, CLEAR_TOKEN, HASHED])),
    ENCRYPTED,
]);
const CRYPTO_TOKEN: Choice = Choice::open(&[
    sequence(&Sequence::closed(0, &[ALIAS, long(1), HASHED])),
    sequence(&Sequence::closed(0, &[NAME, long(1), HASHED])),
    ENCRYPTED,
    ENCRYPTED,
    SIGNED,
    SIGNED,
    SIGNED,
    choice(&NESTED),
]);
pub(super) const CRYPTO_TOKENS: Field = list(&List::of(choice(&CRYPTO_TOKEN)));
