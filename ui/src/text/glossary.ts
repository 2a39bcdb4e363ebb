// The one glossary of the console: an English term, its Thai word, and words that must not stand in its place.
// text.test.ts holds the Thai dictionary against it. Register: formal written Thai, polite by construction
// ("โปรด ..."), no pronoun where the sentence is clear without one, no spoken particles.
export interface Term {
  en: string;
  th: string;
  not?: readonly string[];
}

export const glossary: readonly Term[] = [
  { en: 'workspace', th: 'พื้นที่ทำงาน', not: ['เวิร์กสเปซ'] },
  { en: 'member', th: 'สมาชิก' },
  { en: 'role', th: 'บทบาท' },
  { en: 'invitation', th: 'คำเชิญ' },
  { en: 'sign in', th: 'ลงชื่อเข้าใช้', not: ['ล็อกอิน', 'เข้าสู่ระบบ'] },
  { en: 'sign out', th: 'ลงชื่อออก', not: ['ล็อกเอาต์', 'ออกจากระบบ'] },
  { en: 'account', th: 'บัญชี' },
  { en: 'connection', th: 'การเชื่อมต่อ' },
  { en: 'disconnect', th: 'ยกเลิกการเชื่อมต่อ' },
  { en: 'conversation', th: 'การสนทนา', not: ['แชต', 'แชท'] },
  { en: 'message', th: 'ข้อความ' },
  { en: 'customer', th: 'ลูกค้า' },
  { en: 'webhook', th: 'เว็บฮุก' },
  { en: 'event', th: 'เหตุการณ์', not: ['อีเวนต์'] },
  { en: 'endpoint', th: 'ปลายทาง' },
  { en: 'signing secret', th: 'รหัสลับสำหรับลงลายเซ็น' },
  { en: 'API key', th: 'คีย์ API' },
  { en: 'feature', th: 'ความสามารถ', not: ['ฟีเจอร์'] },
  { en: 'dead letter', th: 'งานที่ไม่สำเร็จ' },
  { en: 'audit log', th: 'บันทึกการตรวจสอบ' },
  { en: 'alert', th: 'การแจ้งเตือน' },
  { en: 'request id', th: 'รหัสคำขอ' },
  { en: 'permission', th: 'สิทธิ์' },
  { en: 'live', th: 'ปรับปรุงทันที' },
  { en: 'operator', th: 'ผู้ดูแลระบบ' },
  { en: 'business account', th: 'บัญชีธุรกิจ', not: ['บัญชีสำหรับธุรกิจ'] },
  { en: 'advertiser', th: 'บัญชีผู้ลงโฆษณา', not: ['แอดเวอร์ไทเซอร์'] },
  { en: 'owner of an account', th: 'เจ้าของบัญชี' },
  { en: 'renew', th: 'ต่ออายุ', not: ['รีเฟรช'] },
  { en: 'deadline', th: 'กำหนดเวลา' },
  { en: 'health timeline', th: 'ลำดับเหตุการณ์', not: ['ไทม์ไลน์'] },
  { en: 'check', th: 'ตรวจสอบ' },
  { en: 'rate budget', th: 'โควตาการเรียกใช้' },
  { en: 'register', th: 'ลงทะเบียน' },
  { en: 'token', th: 'โทเค็น', not: ['โทเคน'] },
];
