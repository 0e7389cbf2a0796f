//! Result codes of GET, SET and ACTION (Green Book 9.5).

use std::fmt;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $( $variant:ident = $code:literal, $words:literal; )* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $( #[doc = $words] $variant, )*
            /// A code that the standard does not define.
            Unknown(u8),
        }

        impl $name {
            /// The code of that number.
            #[must_use]
            pub const fn from_code(code: u8) -> Self {
                match code { $( $code => Self::$variant, )* other => Self::Unknown(other) }
            }

            /// The number.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $( Self::$variant => $code, )* Self::Unknown(code) => code }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$variant => f.write_str($words), )*
                    Self::Unknown(code) => write!(f, "undefined result {code}"),
                }
            }
        }
    };
}

codes! {
    /// Why data was not given or taken. As the result of a SET, [`DataAccessResult::Success`] is good news.
    DataAccessResult {
        Success = 0, "success";
        HardwareFault = 1, "hardware fault";
        TemporaryFailure = 2, "temporary failure";
        ReadWriteDenied = 3, "read or write denied";
        ObjectUndefined = 4, "object undefined";
        ObjectClassInconsistent = 9, "object class inconsistent";
        ObjectUnavailable = 11, "object unavailable";
        TypeUnmatched = 12, "type unmatched";
        ScopeOfAccessViolated = 13, "scope of access violated";
        DataBlockUnavailable = 14, "data block unavailable";
        LongGetAborted = 15, "long get aborted";
        NoLongGetInProgress = 16, "no long get in progress";
        LongSetAborted = 17, "long set aborted";
        NoLongSetInProgress = 18, "no long set in progress";
        DataBlockNumberInvalid = 19, "data block number invalid";
        OtherReason = 250, "other reason";
    }
}

codes! {
    /// How a method ended.
    ActionResult {
        Success = 0, "success";
        HardwareFault = 1, "hardware fault";
        TemporaryFailure = 2, "temporary failure";
        ReadWriteDenied = 3, "read or write denied";
        ObjectUndefined = 4, "object undefined";
        ObjectClassInconsistent = 9, "object class inconsistent";
        ObjectUnavailable = 11, "object unavailable";
        TypeUnmatched = 12, "type unmatched";
        ScopeOfAccessViolated = 13, "scope of access violated";
        DataBlockUnavailable = 14, "data block unavailable";
        LongActionAborted = 15, "long action aborted";
        NoLongActionInProgress = 16, "no long action in progress";
        OtherReason = 250, "other reason";
    }
}
