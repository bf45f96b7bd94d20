//! RAS: what terminals and gatekeepers say about registration, admission and location (H.225.0).

use super::parties::{ADDRESS, ALIASES, ENDPOINT, NON_STANDARD, VENDOR};
use super::{
    BOOL, Choice, Field, List, NAME, OID, SKIP, STOP, Sequence, WORD, choice, list, long, sequence,
};

const ADDRESSES: Field = list(&List {
    most: 10,
    item: ADDRESS.keep("address"),
});
const SIGNALLING: Field = ADDRESSES.keep("callSignalAddress");
const TIME_TO_LIVE: Field = long(1).keep("timeToLive");
const CALL_TYPE: Field = choice(&Choice::added(4, &[]));
const CALL_MODEL: Field = choice(&Choice::added(2, &[]));

const GATEKEEPER_REQUEST: Sequence = Sequence::open(
    4,
    &[
        WORD,
        OID,
        NON_STANDARD.optional(),
        ADDRESS.keep("rasAddress"),
        STOP,
    ],
);
const GATEKEEPER_CONFIRM: Sequence = Sequence::added(
    2,
    5,
    9,
    &[
        WORD,
        OID,
        NON_STANDARD.optional(),
        NAME.optional(),
        ADDRESS.keep("rasAddress"),
        STOP,
    ],
);
const REGISTRATION_REQUEST: Sequence = Sequence::added(
    3,
    10,
    21,
    &[
        WORD,
        OID,
        NON_STANDARD.optional(),
        BOOL,
        SIGNALLING,
        ADDRESSES.keep("rasAddress"),
        ENDPOINT,
        ALIASES.optional(),
        NAME.optional(),
        VENDOR,
        SKIP,
        TIME_TO_LIVE,
        STOP,
    ],
);
const REGISTRATION_CONFIRM: Sequence = Sequence::added(
    3,
    7,
    17,
    &[
        WORD,
        OID,
        NON_STANDARD.optional(),
        SIGNALLING,
        ALIASES.optional(),
        NAME.optional(),
        NAME,
        SKIP,
        TIME_TO_LIVE,
        STOP,
    ],
);
const UNREGISTRATION: Sequence = Sequence::open(3, &[WORD, SIGNALLING, STOP]);
const ADMISSION_REQUEST: Sequence = Sequence::open(
    7,
    &[
        WORD,
        CALL_TYPE,
        CALL_MODEL.optional(),
        NAME,
        ALIASES.optional(),
        ADDRESS.optional().keep("destCallSignalAddress"),
        ALIASES.optional(),
        ALIASES,
        ADDRESS.optional().keep("srcCallSignalAddress"),
        STOP,
    ],
);
const ADMISSION_CONFIRM: Sequence = Sequence::open(
    2,
    &[
        WORD,
        long(0),
        CALL_MODEL,
        ADDRESS.keep("destCallSignalAddress"),
        STOP,
    ],
);
const LOCATION_REQUEST: Sequence = Sequence::added(
    2,
    5,
    12,
    &[
        WORD,
        NAME.optional(),
        ALIASES,
        NON_STANDARD.optional(),
        ADDRESS.keep("replyAddress"),
        STOP,
    ],
);
const LOCATION_CONFIRM: Sequence = Sequence::open(
    1,
    &[
        WORD,
        ADDRESS.keep("callSignalAddress"),
        ADDRESS.keep("rasAddress"),
        STOP,
    ],
);
const INFORMATION: Sequence = Sequence::open(
    3,
    &[
        NON_STANDARD.optional(),
        WORD,
        ENDPOINT,
        NAME,
        ADDRESS.keep("rasAddress"),
        SIGNALLING,
        STOP,
    ],
);

const MESSAGES: [Field; 32] = {
    let mut all = [STOP; 32];
    all[0] = sequence(&GATEKEEPER_REQUEST).keep("gatekeeperRequest");
    all[1] = sequence(&GATEKEEPER_CONFIRM).keep("gatekeeperConfirm");
    all[3] = sequence(&REGISTRATION_REQUEST).keep("registrationRequest");
    all[4] = sequence(&REGISTRATION_CONFIRM).keep("registrationConfirm");
    all[6] = sequence(&UNREGISTRATION).keep("unregistrationRequest");
    all[9] = sequence(&ADMISSION_REQUEST).keep("admissionRequest");
    all[10] = sequence(&ADMISSION_CONFIRM).keep("admissionConfirm");
    all[18] = sequence(&LOCATION_REQUEST).keep("locationRequest");
    all[19] = sequence(&LOCATION_CONFIRM).keep("locationConfirm");
    all[22] = sequence(&INFORMATION).keep("infoRequestResponse");
    all
};
/// `RasMessage`.
pub(in super::super) static MESSAGE: Field = choice(&Choice::added(24, &MESSAGES)).keep("message");
