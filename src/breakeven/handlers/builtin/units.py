"""Units with one meaning, exactly: a value in the base unit is value × scale + offset.

Gallons, pints, tons, miles per gallon and the like mean different things in different places and are left out unless named in full.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit measures, and how many base units it is."""

    dimension: str
    scale: Fraction
    offset: Fraction = Fraction(0)


_TABLE: tuple[tuple[str, str, str], ...] = (
    ("length", "1", "m meter meters metre metres"),
    ("length", "1000", "km kilometer kilometers kilometre kilometres"),
    ("length", "0.01", "cm centimeter centimeters centimetre centimetres"),
    ("length", "0.001", "mm millimeter millimeters millimetre millimetres"),
    ("length", "0.0254", "inch inches"),
    ("length", "0.3048", "ft foot feet"),
    ("length", "0.9144", "yd yard yards"),
    ("length", "1609.344", "mi mile miles"),
    ("length", "1852", "nautical_mile nautical_miles"),
    ("mass", "1", "kg kilogram kilograms"),
    ("mass", "0.001", "g gram grams"),
    ("mass", "0.000001", "mg milligram milligrams"),
    ("mass", "1000", "tonne tonnes metric_ton metric_tons"),
    ("mass", "0.45359237", "lb lbs pound pounds"),
    ("mass", "0.028349523125", "oz ounce ounces"),
    ("volume", "1", "l L liter liters litre litres"),
    ("volume", "0.001", "ml mL milliliter milliliters millilitre millilitres"),
    ("volume", "3.785411784", "us_gallon us_gallons"),
    ("volume", "4.54609", "imperial_gallon imperial_gallons"),
    ("volume", "1000", "m³ cubic_meter cubic_meters cubic_metre cubic_metres"),
    ("time", "1", "s second seconds"),
    ("time", "60", "min minute minutes"),
    ("time", "3600", "h hour hours"),
    ("time", "86400", "d day days"),
    ("time", "604800", "week weeks"),
    ("area", "1", "m² square_meter square_meters square_metre square_metres"),
    ("area", "1000000", "km² square_kilometer square_kilometers square_kilometre square_kilometres"),
    ("area", "10000", "ha hectare hectares"),
    ("area", "4046.8564224", "acre acres"),
    ("speed", "1", "m/s meters_per_second metres_per_second"),
    ("speed", "1609.344/3600", "mph miles_per_hour"),
    ("speed", "1000/3600", "km/h kph kilometers_per_hour kilometres_per_hour"),
    ("information", "1", "byte bytes"),
    ("information", "1/8", "bit bits"),
    ("information", "1024", "KiB kibibyte kibibytes"),
    ("information", "1048576", "MiB mebibyte mebibytes"),
    ("information", "1073741824", "GiB gibibyte gibibytes"),
    ("energy", "1", "J joule joules"),
    ("energy", "3600000", "kWh kilowatt_hour kilowatt_hours kilowatt-hours"),
    ("energy", "3600", "Wh watt_hour watt_hours"),
)


def _scale(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above) / (Fraction(below) if below else 1)


UNITS: Mapping[str, Unit] = {
    name.replace("_", " "): Unit(dimension, _scale(scale)) for dimension, scale, names in _TABLE for name in names.split()
} | {
    **dict.fromkeys(("K", "kelvin", "kelvins"), Unit("temperature", Fraction(1))),
    **dict.fromkeys(("°C", "°c", "degrees celsius", "celsius"), Unit("temperature", Fraction(1), Fraction("273.15"))),
    **dict.fromkeys(
        ("°F", "°f", "degrees fahrenheit", "fahrenheit"),
        Unit("temperature", Fraction(5, 9), Fraction("273.15") - Fraction(160, 9)),
    ),
}
"""By symbol or name."""
