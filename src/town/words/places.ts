export interface Place {
  readonly city: string;
  /** Two letters of the postal service. */
  readonly state: string;
  readonly zip: string;
}

/** A town with one of our clinics, and the places from which people come to it. */
export interface Neighbourhood extends Place {
  readonly areaCode: string;
  /** Standard time's distance from UTC in minutes; a clinic's day begins and ends by it. */
  readonly utcMinutes: number;
  readonly around: readonly Place[];
}

function near(state: string, list: string): readonly Place[] {
  return list.split(", ").map((entry) => {
    const [city = "", zip = ""] = entry.split("/");
    return { city, state, zip };
  });
}

const eastern = -300;
const central = -360;
const mountain = -420;
const pacific = -480;

/** Each region is the ground of one group of clinics, one in each of six States. */
export const regions: readonly (readonly Neighbourhood[])[] = [
  [
    {
      city: "Worcester",
      state: "MA",
      zip: "01604",
      areaCode: "508",
      utcMinutes: eastern,
      around: near("MA", "Shrewsbury/01545, Leicester/01524, Auburn/01501, Worcester/01610"),
    },
    {
      city: "Nashua",
      state: "NH",
      zip: "03060",
      areaCode: "603",
      utcMinutes: eastern,
      around: near("NH", "Hudson/03051, Merrimack/03054, Milford/03055, Nashua/03063"),
    },
    {
      city: "Hartford",
      state: "CT",
      zip: "06106",
      areaCode: "860",
      utcMinutes: eastern,
      around: near("CT", "East Hartford/06108, West Hartford/06107, Wethersfield/06109"),
    },
    {
      city: "Providence",
      state: "RI",
      zip: "02907",
      areaCode: "401",
      utcMinutes: eastern,
      around: near("RI", "Cranston/02910, Pawtucket/02860, Warwick/02886, Providence/02909"),
    },
    {
      city: "Albany",
      state: "NY",
      zip: "12206",
      areaCode: "518",
      utcMinutes: eastern,
      around: near("NY", "Troy/12180, Schenectady/12303, Albany/12205"),
    },
    {
      city: "Portland",
      state: "ME",
      zip: "04103",
      areaCode: "207",
      utcMinutes: eastern,
      around: near("ME", "South Portland/04106, Westbrook/04092, Biddeford/04005"),
    },
  ],
  [
    {
      city: "Charlotte",
      state: "NC",
      zip: "28205",
      areaCode: "704",
      utcMinutes: eastern,
      around: near("NC", "Matthews/28105, Gastonia/28052, Concord/28025"),
    },
    {
      city: "Greenville",
      state: "SC",
      zip: "29601",
      areaCode: "864",
      utcMinutes: eastern,
      around: near("SC", "Greer/29650, Easley/29640, Mauldin/29662"),
    },
    {
      city: "Atlanta",
      state: "GA",
      zip: "30310",
      areaCode: "404",
      utcMinutes: eastern,
      around: near("GA", "Decatur/30030, East Point/30344, Marietta/30060"),
    },
    {
      city: "Jacksonville",
      state: "FL",
      zip: "32205",
      areaCode: "904",
      utcMinutes: eastern,
      around: near("FL", "Orange Park/32073, Atlantic Beach/32233, Jacksonville/32210"),
    },
    {
      city: "Birmingham",
      state: "AL",
      zip: "35205",
      areaCode: "205",
      utcMinutes: central,
      around: near("AL", "Hoover/35226, Bessemer/35020, Homewood/35209"),
    },
    {
      city: "Nashville",
      state: "TN",
      zip: "37206",
      areaCode: "615",
      utcMinutes: central,
      around: near("TN", "Madison/37115, Antioch/37013, Franklin/37064"),
    },
  ],
  [
    {
      city: "Toledo",
      state: "OH",
      zip: "43606",
      areaCode: "419",
      utcMinutes: eastern,
      around: near("OH", "Sylvania/43560, Perrysburg/43551, Maumee/43537"),
    },
    {
      city: "Grand Rapids",
      state: "MI",
      zip: "49503",
      areaCode: "616",
      utcMinutes: eastern,
      around: near("MI", "Wyoming/49509, Kentwood/49508, Walker/49534"),
    },
    {
      city: "Fort Wayne",
      state: "IN",
      zip: "46802",
      areaCode: "260",
      utcMinutes: eastern,
      around: near("IN", "New Haven/46774, Huntington/46750, Auburn/46706"),
    },
    {
      city: "Rockford",
      state: "IL",
      zip: "61104",
      areaCode: "815",
      utcMinutes: central,
      around: near("IL", "Loves Park/61111, Belvidere/61008, Freeport/61032"),
    },
    {
      city: "Madison",
      state: "WI",
      zip: "53703",
      areaCode: "608",
      utcMinutes: central,
      around: near("WI", "Sun Prairie/53590, Middleton/53562, Fitchburg/53711"),
    },
    {
      city: "Rochester",
      state: "MN",
      zip: "55901",
      areaCode: "507",
      utcMinutes: central,
      around: near("MN", "Stewartville/55976, Byron/55920, Kasson/55944"),
    },
  ],
  [
    {
      city: "El Paso",
      state: "TX",
      zip: "79902",
      areaCode: "915",
      utcMinutes: mountain,
      around: near("TX", "Socorro/79927, Canutillo/79835, El Paso/79936"),
    },
    {
      city: "Las Cruces",
      state: "NM",
      zip: "88001",
      areaCode: "575",
      utcMinutes: mountain,
      around: near("NM", "Mesilla/88046, Anthony/88021, Deming/88030"),
    },
    {
      city: "Tulsa",
      state: "OK",
      zip: "74104",
      areaCode: "918",
      utcMinutes: central,
      around: near("OK", "Broken Arrow/74012, Sapulpa/74066, Owasso/74055"),
    },
    {
      city: "Little Rock",
      state: "AR",
      zip: "72205",
      areaCode: "501",
      utcMinutes: central,
      around: near("AR", "North Little Rock/72114, Benton/72015, Conway/72032"),
    },
    {
      city: "Shreveport",
      state: "LA",
      zip: "71104",
      areaCode: "318",
      utcMinutes: central,
      around: near("LA", "Bossier City/71111, Haughton/71037, Minden/71055"),
    },
    {
      city: "Wichita",
      state: "KS",
      zip: "67203",
      areaCode: "316",
      utcMinutes: central,
      around: near("KS", "Derby/67037, Andover/67002, Newton/67114"),
    },
  ],
  [
    {
      city: "Fresno",
      state: "CA",
      zip: "93702",
      areaCode: "559",
      utcMinutes: pacific,
      around: near("CA", "Clovis/93612, Sanger/93657, Selma/93662"),
    },
    {
      city: "Reno",
      state: "NV",
      zip: "89502",
      areaCode: "775",
      utcMinutes: pacific,
      around: near("NV", "Sparks/89431, Fernley/89408, Carson City/89701"),
    },
    {
      city: "Salem",
      state: "OR",
      zip: "97301",
      areaCode: "503",
      utcMinutes: pacific,
      around: near("OR", "Keizer/97303, Dallas/97338, Silverton/97381"),
    },
    {
      city: "Tacoma",
      state: "WA",
      zip: "98405",
      areaCode: "253",
      utcMinutes: pacific,
      around: near("WA", "Lakewood/98499, Puyallup/98371, University Place/98466"),
    },
    {
      city: "Boise",
      state: "ID",
      zip: "83702",
      areaCode: "208",
      utcMinutes: mountain,
      around: near("ID", "Meridian/83642, Nampa/83651, Eagle/83616"),
    },
    {
      city: "Tucson",
      state: "AZ",
      zip: "85705",
      areaCode: "520",
      utcMinutes: mountain,
      around: near("AZ", "Marana/85653, Oro Valley/85737, South Tucson/85713"),
    },
  ],
  [
    {
      city: "Pueblo",
      state: "CO",
      zip: "81003",
      areaCode: "719",
      utcMinutes: mountain,
      around: near("CO", "Cañon City/81212, Pueblo West/81007, Walsenburg/81089"),
    },
    {
      city: "Provo",
      state: "UT",
      zip: "84601",
      areaCode: "801",
      utcMinutes: mountain,
      around: near("UT", "Orem/84057, Springville/84663, Lehi/84043"),
    },
    {
      city: "Cheyenne",
      state: "WY",
      zip: "82001",
      areaCode: "307",
      utcMinutes: mountain,
      around: near("WY", "Laramie/82070, Wheatland/82201, Cheyenne/82009"),
    },
    {
      city: "Billings",
      state: "MT",
      zip: "59101",
      areaCode: "406",
      utcMinutes: mountain,
      around: near("MT", "Laurel/59044, Hardin/59034, Billings/59102"),
    },
    {
      city: "Omaha",
      state: "NE",
      zip: "68104",
      areaCode: "402",
      utcMinutes: central,
      around: [
        ...near("NE", "Bellevue/68005, Papillion/68046"),
        { city: "Council Bluffs", state: "IA", zip: "51501" },
      ],
    },
    {
      city: "Sioux Falls",
      state: "SD",
      zip: "57104",
      areaCode: "605",
      utcMinutes: central,
      around: near("SD", "Brandon/57005, Harrisburg/57032, Tea/57064"),
    },
  ],
];

const streetNames =
  "Alder Anchor Applegate Ash Aspen Bayberry Beacon Beech Birchwood Bishop Blackberry Bluebell " +
  "Brookside Canal Cedar Chapel Cherry Chestnut Clearwater Clover College Cooper Copper Cottage " +
  "Cranberry Creekside Cypress Dogwood Eastview Elm Fairhaven Farmhouse Fern Ferry Fieldstone " +
  "Foundry Foxglove Garden Granite Grove Harvest Hawthorn Hazel Heather Hemlock Heron Hickory " +
  "Highland Hillcrest Holly Ivy Juniper Kettle Lakeview Lantern Laurel Lilac Linden Locust Lupine " +
  "Maple Meadow Mill Millstone Mulberry Myrtle Northgate Oak Orchard Parsonage Pearl Pinecrest " +
  "Pleasant Plum Poplar Prospect Quarry Quince Railroad Ridge River Rosewood Rowan Sawmill " +
  "Schoolhouse Spring Spruce Stonebridge Summit Sunset Sycamore Tanner Tannery Thistle Valley " +
  "Vineyard Walnut Water Westfield Willow Winter Woodland";
const streetKinds = "Street Avenue Road Lane Drive Court Way Place Terrace Circle";

export const streets: readonly string[] = streetNames.split(" ");
export const streetEndings: readonly string[] = streetKinds.split(" ");
