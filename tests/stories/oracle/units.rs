//! <https://ucum.org/ucum>: the units of the data sets in the base units of UCUM.

use super::decimal::{Decimal, decimal};
use super::extract::{Range, Side};

/// A unit: what it measures, how much of the base it is (over one another), and where its zero is.
pub(super) struct Unit {
    code: &'static str,
    pub(super) measures: &'static str,
    factor: (i128, i128),
    zero: &'static str,
}

const fn unit(code: &'static str, measures: &'static str, factor: (i128, i128)) -> Unit {
    Unit { code, measures, factor, zero: "0" }
}

pub(super) const NONE: Unit = unit("", "", (1, 1));

static UNITS: [Unit; 16] = [
    unit("g", "mass", (1, 1)),
    unit("mg", "mass", (1, 1_000)),
    unit("kg", "mass", (1_000, 1)),
    unit("m", "length", (1, 1)),
    unit("cm", "length", (1, 100)),
    unit("[in_i]", "length", (254, 10_000)),
    unit("s", "time", (1, 1)),
    unit("min", "time", (60, 1)),
    unit("h", "time", (3_600, 1)),
    unit("d", "time", (86_400, 1)),
    unit("a", "time", (31_557_600, 1)),
    unit("mm[Hg]", "pressure", (133_322, 1)),
    unit("kPa", "pressure", (1_000_000, 1)),
    unit("mg/dL", "concentration", (10, 1)),
    unit("K", "temperature", (1, 1)),
    Unit { code: "Cel", measures: "temperature", factor: (1, 1), zero: "273.15" },
];

pub(super) fn of(code: &str) -> Option<&'static Unit> {
    UNITS.iter().find(|unit| unit.code == code)
}

impl Unit {
    /// A number of this unit in the base.
    pub(super) fn base(&self, number: Decimal) -> Decimal {
        number.times(self.factor).plus(decimal(self.zero))
    }

    pub(super) fn range(&self, (low, high): Range) -> Range {
        let side = |side: Side| Side { value: self.base(side.value), ..side };
        (low.map(side), high.map(side))
    }
}
