/** A name as written in Latin letters and, where the family uses another script, in that too. */
export interface Written {
  readonly latin: string;
  readonly native?: string;
}

/** BCP 47 tags of the languages that people of the town may prefer. */
export type Language = "en" | "es" | "pt" | "zh" | "vi" | "tl" | "ko" | "ru" | "ar" | "ht" | "hi";

export interface Culture {
  readonly language: Language;
  readonly languageName: string;
  /** Households of this kind in a thousand. */
  readonly perMille: number;
  readonly surnames: readonly Written[];
  readonly women: readonly Written[];
  readonly men: readonly Written[];
}

function written(list: string): readonly Written[] {
  return list.split(" ").map((entry) => {
    const [latin = "", native] = entry.split("/");
    return native === undefined ? { latin } : { latin, native };
  });
}

export const cultures: readonly Culture[] = [
  {
    language: "en",
    languageName: "English",
    perMille: 540,
    surnames: written(
      "Abbott Adair Ames Ashby Bagley Baird Barlow Beckett Bellamy Blackwell Boyd Brewster Briggs " +
        "Caldwell Carver Chilton Coleman Conway Crowley D'Amico D'Angelo Dalton Dawes Denham Doyle " +
        "Dunbar Eastman Ellery Fairchild Farrow Finch Fitzgerald Garrity Gentry Goodwin Grady " +
        "Haverford Hollis Holloway Ingram Jarvis Jefferson Keane Kincaid Lachance Landry Leland " +
        "Lockwood MacDonald Marlowe McAllister McGrath Mercer Moreau Neville Norwood O'Brien " +
        "O'Donnell O'Shea Osborne Pelletier Pickett Prescott Quimby Ramsey Redmond Rhodes Rowland " +
        "Sawyer Shelby Sinclair Smith St.-Clair Stanton Sutherland Tate Thackeray Thibodeaux Tilden " +
        "Underhill Vance Wainwright Walcott Washington Weller Whitcomb Whitfield Winslow Yates " +
        "Johnson Williams Brown Jones Davis Miller Wilson Moore Taylor Thomas",
    ),
    women: written(
      "Abigail Adele Agnes Alice Amber Annabel Audrey Beatrice Bethany Bridget Camille Caroline " +
        "Charlotte Chloé Clara Dana Daphne Deborah Denise Dorothy Edith Eileen Elaine Eleanor Esther " +
        "Evelyn Faith Felicity Florence Frances Gemma Georgia Grace Hannah Harriet Hazel Helen Ida " +
        "Imani Irene Ivy Jasmine Joan Josephine Joyce Judith June Kayla Keisha Laura Leah Lillian " +
        "Louise Lucille Mabel Margaret Marjorie Martha Mary Mildred Miriam Naomi Nora Olive Patricia " +
        "Pauline Phoebe Rachel Renée Rosalind Ruth Sadie Sharon Stella Susan Sylvia Tamara Thelma " +
        "Una Vera Vivian Willa Zoë",
    ),
    men: written(
      "Aaron Abel Adrian Albert Amos Andrew Arthur Barnaby Bernard Calvin Carl Cedric Chester " +
        "Clarence Clifford Conrad Curtis Damon Darnell Desmond Douglas Dwight Earl Edgar Edmund " +
        "Elias Elliot Ernest Eugene Everett Felix Floyd Franklin Frederick Gerald Gilbert Gordon " +
        "Graham Harold Harvey Henry Homer Howard Hugh Isaac Ivan Jacob James Jasper Jerome John " +
        "Julian Keith Kenneth Lawrence Leonard Leroy Lewis Lloyd Malcolm Marcus Martin Maurice " +
        "Milton Nathaniel Neil Norman Oliver Oscar Owen Percy Philip Quentin Ralph Raymond Reginald " +
        "Robert Roland Rufus Russell Samuel Seth Silas Stanley Terrence Theodore Tobias Tyrone " +
        "Vernon Victor Walter Wesley William",
    ),
  },
  {
    language: "es",
    languageName: "Spanish",
    perMille: 190,
    surnames: written(
      "Acosta Aguilar Alvarado Ávila Barrera Benítez Bustamante Cabrera Camacho Cárdenas Castañeda " +
        "Cervantes Chávez Contreras Córdova Cortés Delgado Domínguez Escobar Espinoza Fuentes Galindo " +
        "Gallegos García Guerrero Gutiérrez Guzmán Hinojosa Ibáñez Juárez Leyva Lozano Maldonado " +
        "Medrano Mejía Mendoza Montoya Muñoz Nájera Núñez Ocampo Ordóñez Orozco Ortega Pacheco " +
        "Palacios Peña Quintero Reyes Ríos Rosales Salazar Sandoval Serrano Solís Tejeda Trujillo " +
        "Urbina Valdez Velásquez Villanueva Zamora Zúñiga",
    ),
    women: written(
      "Adriana Alejandra Alicia Amparo Araceli Beatriz Blanca Carmen Catalina Cecilia Consuelo " +
        "Dolores Elena Emilia Esperanza Estela Eva Fernanda Gabriela Gloria Graciela Guadalupe Inés " +
        "Isabel Josefina Leticia Lourdes Lucía Luz Magdalena Marcela María Marisol Mercedes Mónica " +
        "Natalia Norma Paloma Paula Pilar Raquel Rocío Rosa Silvia Sofía Soledad Teresa Valeria " +
        "Verónica Ximena Yolanda",
    ),
    men: written(
      "Adán Agustín Alberto Alejandro Alfonso Álvaro Andrés Ángel Antonio Armando Arturo Benito " +
        "Camilo Carlos César Cristóbal Daniel Diego Eduardo Emilio Enrique Ernesto Esteban Felipe " +
        "Fernando Francisco Gerardo Gilberto Gonzalo Guillermo Héctor Hugo Ignacio Iván Javier Jesús " +
        "Joaquín Jorge José Juan Julio Lorenzo Luis Manuel Marcos Mario Mauricio Miguel Nicolás Óscar " +
        "Pablo Rafael Ramón Raúl Ricardo Roberto Rodrigo Rubén Salvador Santiago Sergio Tomás Vicente",
    ),
  },
  {
    language: "pt",
    languageName: "Portuguese",
    perMille: 35,
    surnames: written(
      "Almeida Azevedo Barbosa Brandão Cardoso Carvalho Conceição Correia Duarte Falcão Figueiredo " +
        "Gouveia Leitão Magalhães Medeiros Noronha Pacheco Queirós Ramalho Simões Teixeira",
    ),
    women: written(
      "Amélia Beatriz Carolina Célia Conceição Fátima Filomena Glória Helena Inês Leonor Lídia " +
        "Madalena Manuela Marta Teresa",
    ),
    men: written(
      "Afonso António Bernardo Caetano Duarte Fernão Gaspar Henrique Inácio João Joaquim Luís " +
        "Nuno Paulo Rui Tomás",
    ),
  },
  {
    language: "zh",
    languageName: "Chinese",
    perMille: 45,
    surnames: written(
      "Cai/蔡 Cao/曹 Chen/陈 Deng/邓 Fang/方 Feng/冯 Gao/高 Guo/郭 He/何 Hu/胡 Huang/黄 Li/李 Liang/梁 " +
        "Lin/林 Liu/刘 Luo/罗 Ma/马 Pan/潘 Song/宋 Sun/孙 Tang/唐 Wang/王 Wu/吴 Xie/谢 Xu/徐 Yang/杨 Ye/叶 " +
        "Zhang/张 Zhao/赵 Zheng/郑 Zhou/周 Zhu/朱",
    ),
    women: written(
      "Aihua/爱华 Chunmei/春梅 Fang/芳 Guiying/桂英 Huilan/慧兰 Jing/静 Lihua/丽华 Lijuan/丽娟 Meiling/美玲 " +
        "Min/敏 Qiuyue/秋月 Shufen/淑芬 Xiaohong/晓红 Xiulan/秀兰 Yan/燕 Yulan/玉兰",
    ),
    men: written(
      "Bo/波 Chao/超 Dawei/大伟 Gang/刚 Guoqiang/国强 Haitao/海涛 Hao/浩 Jianguo/建国 Jun/军 Lei/磊 " +
        "Ming/明 Ping/平 Weimin/为民 Xiaoming/小明 Yong/勇 Zhigang/志刚",
    ),
  },
  {
    language: "vi",
    languageName: "Vietnamese",
    perMille: 35,
    surnames: written(
      "Bùi Đặng Đinh Đỗ Dương Hồ Hoàng Huỳnh Lâm Lê Lý Mai Ngô Nguyễn Phạm Phan Trần Trịnh Võ Vũ",
    ),
    women: written(
      "Anh Bích Diễm Dung Hạnh Hoa Hồng Hương Lan Liên Mai Ngọc Nhung Phương Thảo Thu Tuyết Xuân Yến",
    ),
    men: written(
      "Bảo Bình Cường Đức Dũng Hải Hiếu Hùng Khoa Long Minh Nam Phúc Quang Sơn Tài Thành Tuấn Việt",
    ),
  },
  {
    language: "tl",
    languageName: "Tagalog",
    perMille: 35,
    surnames: written(
      "Abad Agbayani Aquino Bautista Bondoc Catacutan Dimaano Dizon Evangelista Gatchalian Ilagan " +
        "Lacson Macaraeg Manalo Panganiban Pangilinan Quiambao Salonga Tolentino Villaluz",
    ),
    women: written(
      "Amihan Bituin Cherry Corazon Dalisay Erlinda Imelda Jocelyn Ligaya Luningning Marites Perla Rosario Tala",
    ),
    men: written(
      "Alon Bayani Crisanto Danilo Dante Efren Isagani Jomar Kidlat Lakan Nestor Reynaldo Rodel Virgilio",
    ),
  },
  {
    language: "ko",
    languageName: "Korean",
    perMille: 30,
    surnames: written(
      "Ahn/안 Bae/배 Baek/백 Cho/조 Choi/최 Han/한 Hong/홍 Hwang/황 Jang/장 Jeong/정 Kang/강 Kim/김 Kwon/권 " +
        "Lee/이 Lim/임 Moon/문 Oh/오 Park/박 Seo/서 Shin/신 Song/송 Yoon/윤",
    ),
    women: written(
      "Eun-ji/은지 Eun-young/은영 Hye-jin/혜진 Hyun-joo/현주 Ji-hye/지혜 Ji-woo/지우 Kyung-hee/경희 Mi-sook/미숙 " +
        "Min-ji/민지 Soo-jin/수진 Soon-ja/순자 Sun-hee/선희 Yeon-hee/연희 Young-mi/영미",
    ),
    men: written(
      "Dong-hyun/동현 Hyun-woo/현우 Jae-won/재원 Ji-hoon/지훈 Jin-ho/진호 Joon-ho/준호 Kyung-soo/경수 Min-ho/민호 " +
        "Sang-hoon/상훈 Seung-ho/승호 Sung-min/성민 Tae-yang/태양 Young-ho/영호 Young-soo/영수",
    ),
  },
  {
    language: "ru",
    languageName: "Russian",
    perMille: 25,
    surnames: written(
      "Belov/Белов Bogdanov/Богданов Fedorov/Фёдоров Filippov/Филиппов Gusev/Гусев Kiselev/Киселёв " +
        "Komarov/Комаров Lebedev/Лебедев Morozov/Морозов Orlov/Орлов Pavlov/Павлов Romanov/Романов " +
        "Sorokin/Сорокин Tarasov/Тарасов Volkov/Волков Zaitsev/Зайцев",
    ),
    women: written(
      "Anna/Анна Galina/Галина Irina/Ирина Ksenia/Ксения Larisa/Лариса Lyudmila/Людмила Marina/Марина " +
        "Nadezhda/Надежда Natalia/Наталья Oksana/Оксана Olga/Ольга Svetlana/Светлана Tatiana/Татьяна Vera/Вера",
    ),
    men: written(
      "Alexei/Алексей Anatoly/Анатолий Boris/Борис Dmitri/Дмитрий Gennady/Геннадий Grigory/Григорий " +
        "Igor/Игорь Konstantin/Константин Leonid/Леонид Mikhail/Михаил Nikolai/Николай Oleg/Олег " +
        "Pavel/Павел Sergei/Сергей Yuri/Юрий",
    ),
  },
  {
    language: "ar",
    languageName: "Arabic",
    perMille: 25,
    surnames: written(
      "Abadi/عبادي al-Amin/الأمين al-Hakim/الحكيم al-Masri/المصري al-Najjar/النجار Barakat/بركات " +
        "Darwish/درويش Haddad/حداد Hamdan/حمدان Khalil/خليل Khoury/خوري Mansour/منصور Nassar/نصار " +
        "Qasim/قاسم Saleh/صالح Shaheen/شاهين Tawil/طويل Zaki/زكي",
    ),
    women: written(
      "Aisha/عائشة Amal/أمل Basma/بسمة Fatima/فاطمة Hanan/حنان Iman/إيمان Jamila/جميلة Khadija/خديجة " +
        "Layla/ليلى Maryam/مريم Nadia/نادية Rania/رانيا Salma/سلمى Yasmin/ياسمين Zainab/زينب",
    ),
    men: written(
      "Ahmad/أحمد Bilal/بلال Faris/فارس Hassan/حسن Ibrahim/إبراهيم Jamal/جمال Karim/كريم Khalid/خالد " +
        "Mahmoud/محمود Mustafa/مصطفى Nabil/نبيل Omar/عمر Rashid/رشيد Samir/سمير Tariq/طارق Yusuf/يوسف",
    ),
  },
  {
    language: "ht",
    languageName: "Haitian Creole",
    perMille: 20,
    surnames: written(
      "Augustin Baptiste Célestin Désir Dieudonné Estimé Fénelon Germain Jean-Louis Jean-Pierre Laguerre Métellus Noël Pierre-Louis Saint-Fleur Toussaint",
    ),
    women: written(
      "Altagrâce Carline Darline Fabienne Guerda Islande Judeline Ketline Lovelie Marie-Ange Mirlande Nadège Rose-Marie Wideline",
    ),
    men: written(
      "Évens Fritz Gaspard Jacquelin Jean-Claude Jocelyn Lesly Mackenson Nesly Odilon Pierre Renel Ronald Wilner",
    ),
  },
  {
    language: "hi",
    languageName: "Hindi",
    perMille: 20,
    surnames: written(
      "Agarwal Bhatia Chauhan Deshmukh Gupta Iyer Joshi Kapoor Malhotra Mehta Mishra Nair Patel Rao Saxena Sharma Verma",
    ),
    women: written(
      "Aditi Anjali Deepa Geeta Kavita Lakshmi Madhuri Meena Neha Pooja Priya Radha Rekha Sunita Usha",
    ),
    men: written(
      "Ajay Amit Anil Arjun Deepak Gopal Harish Kiran Mohan Naveen Prakash Rahul Ravi Sanjay Suresh Vijay",
    ),
  },
];

/** Names that many bear: unlike people who share one are told apart by birth date and number only. */
export const commonNames: readonly { family: string; given: string; sex: "female" | "male" }[] = [
  { family: "Smith", given: "James", sex: "male" },
  { family: "Johnson", given: "Mary", sex: "female" },
  { family: "García", given: "María", sex: "female" },
  { family: "Brown", given: "Robert", sex: "male" },
  { family: "Nguyễn", given: "Anh", sex: "female" },
  { family: "Kim", given: "Min-ji", sex: "female" },
];
