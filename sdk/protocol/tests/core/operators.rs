//! Lookup tags and dates.

use precinto_protocol::aeo::{Date, Scheme, lookup_tag};

use crate::{array, list, number, text, vectors};

#[test]
fn tags_are_made_of_normalized_identifiers() {
    let vectors = vectors!("tag");
    let key = array(&vectors["key"]);
    for vector in list(&vectors["tags"]) {
        let scheme: Scheme = text(&vector["scheme"]).parse().unwrap();
        let identifier = scheme.normalize(text(&vector["identifier"])).unwrap();
        assert_eq!(identifier, text(&vector["normalized"]));
        let tag = lookup_tag(&key, scheme, &identifier);
        assert_eq!(tag.to_hex(), vector["tag"]);
    }
    for identifier in list(&vectors["refused_identifiers"]) {
        assert!(Scheme::Aeo.normalize(text(identifier)).is_err(), "{identifier}");
    }
}

#[test]
fn dates_are_days_since_1970() {
    let vectors = vectors!("tag");
    for vector in list(&vectors["dates"]) {
        let date = Date(number(&vector["days"]));
        assert_eq!(Date::parse(text(&vector["date"])), Some(date));
        assert_eq!(date.to_string(), text(&vector["date"]));
    }
    for date in list(&vectors["refused_dates"]) {
        assert_eq!(Date::parse(text(date)), None, "{date}");
    }
}
