//! <https://hl7.org/fhir/R4/location.html#positional>

use store::{Criterion, ParameterId, Test};

use super::interpret::{Miss, one_or_any, values};
use super::text;

/// How far "near" is when nobody says: R4 leaves it to the server.
const METRES: f64 = 50_000.0;

/// `latitude|longitude|distance|unit`; without a distance, 50 km.
pub(crate) fn near(parameter: ParameterId, value: &str) -> Result<Criterion, Miss> {
    let any = values("near", value)?.into_iter().map(|value| {
        let test = read(value).map_err(|why| Miss::Wrong(format!("near: {why}.")))?;
        Ok(Criterion::Value(parameter, test))
    });
    Ok(one_or_any(any.collect::<Result<_, Miss>>()?))
}

fn read(value: &str) -> Result<Test, String> {
    let form = || {
        format!(
            "'{value}' is not a place. Write it as latitude|longitude|distance|unit, such as \
             48.2|16.37|5|km"
        )
    };
    let parts: Vec<String> = text::parts(value, '|').into_iter().map(text::plain).collect();
    let number = |place: usize, most: f64| {
        let text = parts.get(place)?;
        // No text of numbers such as inf and nan.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let number: f64 = text.parse().ok().filter(|_| digits)?;
        (number.abs() <= most).then_some(number)
    };
    let (Some(latitude), Some(longitude)) = (number(0, 90.0), number(1, 180.0)) else {
        return Err(form());
    };
    let given = parts.get(2).is_some_and(|distance| !distance.is_empty());
    let metres = if given {
        let distance = number(2, f64::MAX).filter(|it| *it >= 0.0).ok_or_else(form)?;
        distance * unit(parts.get(3).map_or("", String::as_str))?
    } else {
        METRES
    };
    if parts.len() > 4 {
        return Err(form());
    }
    Ok(Test::Near { latitude, longitude, metres })
}

/// Metres of a unit; kilometres when there is none, as R4 says.
fn unit(code: &str) -> Result<f64, String> {
    Ok(match code {
        "" | "km" => 1_000.0,
        "m" => 1.0,
        "cm" => 0.01,
        "[mi_us]" | "[mi_i]" | "mi" => 1_609.344,
        "[ft_i]" | "[ft_us]" | "ft" => 0.3048,
        "[yd_i]" | "[yd_us]" => 0.9144,
        "[nmi_i]" => 1_852.0,
        other => return Err(format!("'{other}' is not a unit of length: km, m, [mi_us]")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_a_distance() {
        let metres = |value: &str| match read(value) {
            Ok(Test::Near { metres, .. }) => Some(metres),
            _ => None,
        };
        assert_eq!(metres("48.2|16.37|5|km"), Some(5_000.0));
        assert_eq!(metres("48.2|16.37|5"), Some(5_000.0));
        assert_eq!(metres("48.2|16.37|300|m"), Some(300.0));
        assert_eq!(metres("48.2|16.37"), Some(METRES));
        for wrong in ["", "48.2", "91|0", "0|181", "0|0|x|m", "0|0|1|kg", "nan|0", "0|0|-1|m"] {
            assert_eq!(metres(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_wrong_place_is_a_wrong_value() {
        let miss = near(ParameterId(1), "here");
        assert!(matches!(miss, Err(Miss::Wrong(why)) if why.contains("here")));
    }
}
