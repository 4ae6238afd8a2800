//! Numbers arrive in every shape and leave in E.164.

use leadrail_lead::{NotAPhone, Phone};
use proptest::prelude::*;

fn phone(text: &str) -> Phone {
    Phone::parse(text).unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn a_phone_without_country_code_is_read_as_american() {
    let shapes = [
        "+13055550182",
        "3055550182",
        "13055550182",
        "1-305-555-0182",
        "(305) 555-0182",
        "305.555.0182",
        "+1 305 555 0182",
        "  305 555 0182 ",
        "305-555-0182 x45",
        "tel:+1-305-555-0182",
    ];
    for shape in shapes {
        assert_eq!(phone(shape).as_str(), "+13055550182", "{shape}");
    }
}

#[test]
fn a_number_splits_into_country_and_national_part() {
    let cases = [
        ("+13055550182", "1", "3055550182"),
        ("+79161234567", "7", "9161234567"),
        ("+442079460958", "44", "2079460958"),
        ("+4915112345678", "49", "15112345678"),
        ("+390612345678", "39", "0612345678"),
        ("+989121234567", "98", "9121234567"),
        ("+353871234567", "353", "871234567"),
        ("+971501234567", "971", "501234567"),
        // The first digits are those of a trunk prefix, the country's or America's own.
        ("+78125551234", "7", "8125551234"),
        ("+78005553535", "7", "8005553535"),
        ("+375800111111", "375", "800111111"),
        ("+8613912345678", "86", "13912345678"),
        ("+5511987654321", "55", "11987654321"),
    ];
    for (text, country, national) in cases {
        let phone = phone(text);
        assert_eq!(phone.as_str(), text);
        assert_eq!(
            (phone.country_code(), phone.national_number()),
            (country, national)
        );
        assert_eq!(phone.digits(), &text[1..]);
    }
}

#[test]
fn a_call_across_borders_may_be_written_in_several_ways() {
    let shapes = [
        ("011 49 151 12345678", "+4915112345678"),
        ("0049 151 12345678", "+4915112345678"),
        ("tel:+49-151-12345678", "+4915112345678"),
        ("+49 (0) 151 12345678", "+4915112345678"),
        ("+33 06 31 96 65 43", "+33631966543"),
        ("+7 (812) 555-12-34 ext. 5", "+78125551234"),
        ("0111 305 555 0182", "+13055550182"),
    ];
    for (shape, number) in shapes {
        assert_eq!(phone(shape).as_str(), number, "{shape}");
    }
}

#[test]
fn only_north_american_numbers_have_ten_digits_to_give() {
    assert_eq!(phone("+13055550182").nanp_digits(), Some("3055550182"));
    assert_eq!(phone("+18765550182").nanp_digits(), Some("8765550182"));
    assert!(phone("+13055550182").is_american());
    assert_eq!(phone("+442079460958").nanp_digits(), None);
    assert!(!phone("+442079460958").is_american());
}

#[test]
fn what_cannot_be_called_back_is_no_phone() {
    let texts = [
        "",
        " ",
        "+",
        "anonymous",
        "restricted",
        "911",
        "+37500375",
        "12345",
        "555-0182",
        "+1305555018",
        "+130555501822",
        "+11055550182",
        "+00000000",
        "305 555 O182",
        "1-800-FLOWERS",
        "+266696687",
        "555 555 5555",
        "+9999999999999999999",
        "sip:maria@example.com",
        "٠",
        "☎",
    ];
    for text in texts {
        assert_eq!(Phone::parse(text), Err(NotAPhone), "{text:?}");
    }
}

#[test]
fn a_stored_number_is_read_only_in_e164() {
    let stored = serde_json::to_string(&phone("305 555 0182")).unwrap();
    assert_eq!(stored, "\"+13055550182\"");
    assert_eq!(
        serde_json::from_str::<Phone>(&stored).unwrap(),
        phone("3055550182")
    );
    for text in [
        "\"3055550182\"",
        "\"+1305\"",
        "\"+1305555018é\"",
        "\"+\"",
        "\"\"",
        "null",
    ] {
        assert!(serde_json::from_str::<Phone>(text).is_err(), "{text}");
    }
}

/// What numbers are made of, and what looks like it.
const PIECES: [&str; 32] = [
    "+",
    "++",
    "0",
    "00",
    "011",
    "1",
    "7",
    "8",
    "44",
    "49",
    "375",
    "305",
    "555",
    "0182",
    "99999",
    "tel:",
    ";phone-context=",
    ";ext=",
    ";isub=",
    "x",
    "ext.",
    "#",
    "(0)",
    "(",
    ")",
    "-",
    " ",
    "é",
    "\u{660}",
    "\u{ff0b}",
    "\u{2060}",
    "👩‍🔧",
];

proptest! {
    #[test]
    fn whatever_is_taken_is_read_back_as_itself(text in "\\PC{0,64}|[+0-9 ().-]{5,24}") {
        if let Ok(phone) = Phone::parse(&text) {
            prop_assert_eq!(&Phone::parse(phone.as_str()).unwrap(), &phone);
            let stored = serde_json::to_string(&phone).unwrap();
            prop_assert_eq!(serde_json::from_str::<Phone>(&stored).unwrap(), phone);
        }
    }

    #[test]
    fn no_mix_of_the_pieces_of_numbers_makes_it_panic(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..12),
    ) {
        if let Ok(phone) = Phone::parse(&pieces.concat()) {
            prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone));
        }
    }
}

#[test]
fn a_number_is_known_however_a_crm_has_it_and_no_other_is_taken_for_it() {
    let american: Phone = "+14722123456".parse().unwrap();
    for same in [
        "+14722123456",
        "14722123456",
        "4722123456",
        "(472) 212-3456",
        " +1 (472) 212-3456 ",
        "011 1 472 212 3456",
    ] {
        assert!(american.is_written(same), "{same}");
    }
    for other in [
        "",
        "+4722123456",
        "+47 22 12 34 56",
        "2123456",
        "4722123457",
        "4722123456 ext 9",
        "4722123456@x.com",
        "+0014722123456",
    ] {
        assert!(!american.is_written(other), "{other}");
    }
    let norwegian: Phone = "+4722123456".parse().unwrap();
    for same in [
        "+47 22 12 34 56",
        "4722123456",
        "0047 22123456",
        "011 4722123456",
    ] {
        assert!(norwegian.is_written(same), "{same}");
    }
    assert!(!norwegian.is_written("22123456"), "many countries have it");
}
