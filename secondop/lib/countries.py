"""Countries of ISO 3166-1 (alpha-2) by their common names in English and Spanish, for lists."""

from __future__ import annotations

import unicodedata

from django.utils.translation import get_language

_NAMES = """
AF Afghanistan|AL Albania|DZ Algeria|AD Andorra|AO Angola|AG Antigua and Barbuda|AR Argentina
AM Armenia|AW Aruba|AU Australia|AT Austria|AZ Azerbaijan|BS Bahamas|BH Bahrain|BD Bangladesh
BB Barbados|BY Belarus|BE Belgium|BZ Belize|BJ Benin|BM Bermuda|BT Bhutan|BO Bolivia
BA Bosnia and Herzegovina|BW Botswana|BR Brazil|BN Brunei|BG Bulgaria|BF Burkina Faso|BI Burundi
KH Cambodia|CM Cameroon|CA Canada|CV Cape Verde|KY Cayman Islands|CF Central African Republic
TD Chad|CL Chile|CN China|CO Colombia|KM Comoros|CG Congo|CD Congo (Democratic Republic)
CR Costa Rica|CI Côte d'Ivoire|HR Croatia|CU Cuba|CW Curaçao|CY Cyprus|CZ Czechia|DK Denmark
DJ Djibouti|DM Dominica|DO Dominican Republic|EC Ecuador|EG Egypt|SV El Salvador
GQ Equatorial Guinea|ER Eritrea|EE Estonia|SZ Eswatini|ET Ethiopia|FO Faroe Islands|FJ Fiji
FI Finland|FR France|GF French Guiana|PF French Polynesia|GA Gabon|GM Gambia|GE Georgia|DE Germany
GH Ghana|GI Gibraltar|GR Greece|GL Greenland|GD Grenada|GP Guadeloupe|GU Guam|GT Guatemala
GG Guernsey|GN Guinea|GW Guinea-Bissau|GY Guyana|HT Haiti|HN Honduras|HK Hong Kong|HU Hungary
IS Iceland|IN India|ID Indonesia|IR Iran|IQ Iraq|IE Ireland|IM Isle of Man|IL Israel|IT Italy
JM Jamaica|JP Japan|JE Jersey|JO Jordan|KZ Kazakhstan|KE Kenya|KI Kiribati|XK Kosovo|KW Kuwait
KG Kyrgyzstan|LA Laos|LV Latvia|LB Lebanon|LS Lesotho|LR Liberia|LY Libya|LI Liechtenstein
LT Lithuania|LU Luxembourg|MO Macao|MG Madagascar|MW Malawi|MY Malaysia|MV Maldives|ML Mali|MT Malta
MH Marshall Islands|MQ Martinique|MR Mauritania|MU Mauritius|YT Mayotte|MX Mexico|FM Micronesia
MD Moldova|MC Monaco|MN Mongolia|ME Montenegro|MA Morocco|MZ Mozambique|MM Myanmar|NA Namibia
NR Nauru|NP Nepal|NL Netherlands|NC New Caledonia|NZ New Zealand|NI Nicaragua|NE Niger|NG Nigeria
KP North Korea|MK North Macedonia|MP Northern Mariana Islands|NO Norway|OM Oman|PK Pakistan|PW Palau
PS Palestine|PA Panama|PG Papua New Guinea|PY Paraguay|PE Peru|PH Philippines|PL Poland|PT Portugal
PR Puerto Rico|QA Qatar|RE Réunion|RO Romania|RU Russia|RW Rwanda|KN Saint Kitts and Nevis
LC Saint Lucia|VC Saint Vincent and the Grenadines|WS Samoa|SM San Marino|ST São Tomé and Príncipe
SA Saudi Arabia|SN Senegal|RS Serbia|SC Seychelles|SL Sierra Leone|SG Singapore|SX Sint Maarten
SK Slovakia|SI Slovenia|SB Solomon Islands|SO Somalia|ZA South Africa|KR South Korea|SS South Sudan
ES Spain|LK Sri Lanka|SD Sudan|SR Suriname|SE Sweden|CH Switzerland|SY Syria|TW Taiwan|TJ Tajikistan
TZ Tanzania|TH Thailand|TL Timor-Leste|TG Togo|TO Tonga|TT Trinidad and Tobago|TN Tunisia|TR Türkiye
TM Turkmenistan|TC Turks and Caicos Islands|TV Tuvalu|UG Uganda|UA Ukraine|AE United Arab Emirates
GB United Kingdom|US United States|UY Uruguay|UZ Uzbekistan|VU Vanuatu|VA Vatican City|VE Venezuela
VN Vietnam|VG Virgin Islands (British)|VI Virgin Islands (US)|YE Yemen|ZM Zambia|ZW Zimbabwe
"""

# Those whose name is another one in Spanish.
_SPANISH = """
AF Afganistán|DZ Argelia|AG Antigua y Barbuda|AZ Azerbaiyán|BH Baréin|DE Alemania|SA Arabia Saudita
BD Bangladés|BE Bélgica|BZ Belice|BJ Benín|BM Bermudas|BY Bielorrusia|BA Bosnia y Herzegovina
BW Botsuana|BR Brasil|BN Brunéi|BT Bután|KH Camboya|CM Camerún|CA Canadá|CV Cabo Verde
KY Islas Caimán|CF República Centroafricana|CY Chipre|KM Comoras
CD Congo (República Democrática)|KP Corea del Norte|KR Corea del Sur|CI Costa de Marfil|HR Croacia
CW Curazao|CZ Chequia|DK Dinamarca|DO República Dominicana|EG Egipto|AE Emiratos Árabes Unidos
SK Eslovaquia|SI Eslovenia|ES España|US Estados Unidos|SZ Esuatini|ET Etiopía|FO Islas Feroe
FJ Fiyi|PH Filipinas|FI Finlandia|FR Francia|GF Guayana Francesa|PF Polinesia Francesa|GA Gabón
GR Grecia|GL Groenlandia|GD Granada|GP Guadalupe|GQ Guinea Ecuatorial|GW Guinea-Bisáu
HT Haití|HU Hungría|IS Islandia|IQ Irak|IR Irán|IE Irlanda|IM Isla de Man|IT Italia|JP Japón
JO Jordania|KZ Kazajistán|KE Kenia|KG Kirguistán|LS Lesoto|LV Letonia|LB Líbano|LY Libia
LT Lituania|LU Luxemburgo|MY Malasia|MW Malaui|MV Maldivas|MA Marruecos
MH Islas Marshall|MQ Martinica|MU Mauricio|MX México|MD Moldavia|MC Mónaco|MK Macedonia del Norte
MM Birmania (Myanmar)|NO Noruega|NC Nueva Caledonia|NZ Nueva Zelanda|NE Níger|NL Países Bajos
MP Islas Marianas del Norte|OM Omán|PK Pakistán|PW Palaos|PA Panamá|PG Papúa Nueva Guinea|PE Perú
PL Polonia|GB Reino Unido|RE Reunión|RO Rumania|RU Rusia|RW Ruanda|KN San Cristóbal y Nieves
LC Santa Lucía|VC San Vicente y las Granadinas|ST Santo Tomé y Príncipe|SL Sierra Leona|SG Singapur
SX San Martín (parte neerlandesa)|SB Islas Salomón|ZA Sudáfrica|SS Sudán del Sur|SE Suecia|CH Suiza
SD Sudán|SR Surinam|SY Siria|TW Taiwán|TJ Tayikistán|TH Tailandia|TL Timor Oriental|TN Túnez
TT Trinidad y Tobago|TR Turquía|TM Turkmenistán|TC Islas Turcas y Caicos|UA Ucrania|UZ Uzbekistán
VA Ciudad del Vaticano|VG Islas Vírgenes (británicas)|VI Islas Vírgenes (EE. UU.)|ZW Zimbabue
DJ Yibuti|PS Palestina
"""


def _table(text: str) -> dict[str, str]:
    entries = (entry for line in text.strip().splitlines() for entry in line.split("|"))
    return {code: name for code, _space, name in (entry.partition(" ") for entry in entries)}


_ENGLISH = _table(_NAMES)
_NAMES_IN = {"es": _ENGLISH | _table(_SPANISH)}


def country_names() -> dict[str, str]:
    """Code and name of each country, in the reader's language."""
    return _NAMES_IN.get((get_language() or "")[:2], _ENGLISH)


def countries() -> list[tuple[str, str]]:
    """The same in the order of the alphabet, for a list to choose from."""
    return sorted(country_names().items(), key=lambda one: _plain(one[1]))


def _plain(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
