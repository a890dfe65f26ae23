"""Days in the news, made up: several happenings at once that resemble each other, each told by several outlets.

A report is (happening, hours since the day began, title, summary), in the order in which it reaches the desk.
"""

Report = tuple[str, float, str, str]

TWO_SUMMITS: tuple[Report, ...] = (
    (
        "minsk",
        8.0,
        "Leaders of five states gather in Minsk for security summit",
        "Presidents of former Soviet states arrived in Minsk on Tuesday for talks on a common air defence.",
    ),
    (
        "riga",
        8.5,
        "Baltic presidents meet in Riga to discuss border fence",
        "The heads of Latvia, Lithuania and Estonia met at Riga Castle on Tuesday to discuss a fence in the east.",
    ),
    (
        "minsk",
        9.0,
        "Lukashenko hosts summit on joint air defence in Minsk",
        "Belarus on Tuesday welcomed the leaders of five post-Soviet states for talks on air defence.",
    ),
    (
        "riga",
        9.5,
        "Latvia hosts Baltic summit on fence along eastern border",
        "The presidents of the three Baltic states met at Riga Castle on Tuesday to agree on a common border fence.",
    ),
    (
        "walkout",
        12.0,
        "Armenia's delegation walks out of Minsk summit",
        "Armenian officials left the hall on Tuesday after a dispute over peacekeepers, its foreign ministry said.",
    ),
    (
        "walkout",
        12.5,
        "Armenian officials quit talks in Minsk in row over peacekeepers",
        "The foreign ministry in Yerevan said that its delegation had left the summit hall after a dispute.",
    ),
    (
        "riga",
        13.0,
        "Latvia, Lithuania and Estonia agree on common border fence",
        "The three presidents said at Riga Castle that the fence along the eastern border would be built together.",
    ),
)

PACKAGES: tuple[Report, ...] = (
    (
        "eu-14",
        7.0,
        "EU envoys agree on 14th package of sanctions against Russia",
        "Ambassadors of the 27 member states approved measures against liquefied gas and 61 companies on Thursday.",
    ),
    (
        "eu-14",
        7.5,
        "European Union agrees 14th sanctions package over Ukraine war",
        "The package hits Russian liquefied gas and lists 61 more companies, diplomats said on Thursday.",
    ),
    (
        "us-banks",
        9.0,
        "US imposes sanctions on four Belarusian banks",
        "The Treasury in Washington said on Thursday that the lenders had helped to pay for drone parts.",
    ),
    (
        "uk-ships",
        9.5,
        "Britain imposes sanctions on 20 tankers of Russia's shadow fleet",
        "London said on Thursday that the ships had carried oil above the price cap.",
    ),
    (
        "us-banks",
        10.0,
        "Washington blacklists Belarus lenders over payments for drones",
        "Four Belarusian banks were put on the Treasury's list on Thursday because they paid for drone parts.",
    ),
    (
        "uk-ships",
        10.5,
        "UK blacklists 20 shadow fleet tankers carrying Russian oil",
        "The tankers carried Russian oil above the price cap, the government in London said on Thursday.",
    ),
    (
        "eu-15",
        60.0,
        "EU begins work on 15th package of sanctions against Russia",
        "The Commission will propose the measures after the summer, officials said on Saturday.",
    ),
    (
        "iran",
        62.0,
        "US imposes sanctions on Iranian shipping network",
        "The Treasury named eleven companies in Hong Kong and Dubai that it says sell Iranian oil.",
    ),
)

STRIKES: tuple[Report, ...] = (
    (
        "port",
        1.0,
        "Missiles hit grain port near Odesa, two killed",
        "Russian missiles struck a terminal in Chornomorsk overnight and killed two dockers, the governor said.",
    ),
    (
        "depot",
        2.0,
        "Drones set oil depot ablaze in Russia's Rostov region",
        "Ukrainian drones hit a fuel depot near Azov overnight; firefighters were still at work in the morning.",
    ),
    (
        "port",
        2.5,
        "Two dockers killed as Russia strikes Black Sea grain terminal",
        "An overnight missile attack on Chornomorsk near Odesa killed two people, the regional governor said.",
    ),
    (
        "depot",
        3.0,
        "Fuel depot burns near Azov after Ukrainian drone attack",
        "A drone attack overnight set tanks on fire at an oil depot in Rostov region, its governor said.",
    ),
    (
        "hospital",
        5.0,
        "Air strike on hospital in Sudan's El Fasher kills 9",
        "A drone of the paramilitary forces hit the maternity ward on Monday, doctors said.",
    ),
    (
        "hospital",
        7.0,
        "Nine dead after drone hits maternity ward in El Fasher, doctors say",
        "The strike on the hospital in Sudan on Monday was the third this year.",
    ),
    (
        "toll",
        9.0,
        "Death toll in El Fasher hospital strike rises to 31",
        "Doctors in the Sudanese city said on Monday that 31 people had died in the strike on the maternity ward.",
    ),
)

ELECTIONS: tuple[Report, ...] = (
    (
        "moldova",
        6.0,
        "Moldovans vote in presidential run-off",
        "Polls opened on Sunday in Moldova's second round between Maia Sandu and a former prosecutor.",
    ),
    (
        "georgia",
        6.5,
        "Georgians vote in parliamentary election",
        "Polls opened in Georgia on Sunday in an election that will decide how near the country moves to Brussels.",
    ),
    (
        "moldova",
        7.5,
        "Moldova: second round of presidential election under way, Sandu seeks new term",
        "Voters in Moldova choose on Sunday between President Maia Sandu and a former prosecutor general.",
    ),
    (
        "georgia",
        8.0,
        "Polls open in Georgia's parliamentary election, seen as a choice between Brussels and Moscow",
        "Georgians elect a parliament on Sunday; the ruling party has been in power since 2012.",
    ),
    (
        "sandu-wins",
        20.0,
        "Sandu wins second term as Moldova's president",
        "With nearly all ballots counted the pro-European president had 55 per cent of the vote.",
    ),
    (
        "sandu-wins",
        20.5,
        "Moldova's pro-European president Sandu re-elected",
        "Maia Sandu took 55 per cent with nearly all ballots counted, the election commission said.",
    ),
)

VISITS: tuple[Report, ...] = (
    (
        "wang-berlin",
        7.0,
        "Chinese foreign minister Wang Yi arrives in Berlin for talks on trade",
        "Wang Yi will meet his German counterpart on Wednesday; duties on electric cars are on the agenda.",
    ),
    (
        "lavrov-delhi",
        7.5,
        "Lavrov arrives in New Delhi for talks on oil and arms",
        "Russia's foreign minister will meet his Indian counterpart on Wednesday, the ministry said.",
    ),
    (
        "wang-berlin",
        8.5,
        "China's Wang Yi in Germany to discuss duties on electric cars",
        "The foreign minister landed in Berlin on Wednesday for talks with his German counterpart on trade.",
    ),
    (
        "lavrov-delhi",
        9.0,
        "Russian foreign minister Sergei Lavrov in India to discuss oil deals and weapons",
        "Lavrov landed in New Delhi on Wednesday and will meet his Indian counterpart.",
    ),
    (
        "xi-paris",
        10.0,
        "Xi Jinping to visit France in May, Elysee says",
        "The Chinese president will come to Paris for a state visit on May 6 and 7, the French presidency said.",
    ),
    (
        "xi-paris",
        11.0,
        "France announces state visit by China's Xi",
        "Xi Jinping will be in Paris on May 6 and 7, the presidency said on Wednesday.",
    ),
    (
        "tank-deal",
        12.0,
        "India signs deal to buy 200 tanks from Russia during Lavrov visit",
        "The contract is worth 3 billion dollars, the defence ministry in New Delhi said on Wednesday.",
    ),
)

ALL = {
    "two summits at once": TWO_SUMMITS,
    "three packages of sanctions": PACKAGES,
    "strikes": STRIKES,
    "two elections": ELECTIONS,
    "visits": VISITS,
}
